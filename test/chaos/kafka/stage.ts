import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs';
import { usageOf } from '../../bench/measure.ts';
import type { Kafka as Brokers } from '../../services/kafka.ts';
import { checkLedger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { createTopic, type ProduceOptions, type TestTopic } from '../../support/kafka.ts';
import { functionAt, triggerFor } from '../../support/manifests.ts';
import type { RandomInt } from '../../support/random.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import type { Wire } from './wire.ts';

export const PARTITIONS = 4;
export const functions = ['audit', 'email'] as const;
export const delivery = { room: 64, concurrency: 8, timeout: '2s' };
/** What a crash may leave in doubt, for each function. */
export const WINDOW = delivery.room + delivery.concurrency;
/** The least that the gateway allows: a killed member keeps its successor waiting for so long. */
const SESSION = '3s';
const PATIENCE_MS = 90_000;

export interface StageOptions {
  readonly kafka: Brokers;
  /** The way of this stage's gateways to the brokers. */
  readonly wire: Wire;
  readonly random: RandomInt;
  readonly spec?: object;
}

/** What one fault cost, over both functions. */
export interface Cost {
  readonly inDoubt: number;
  /** The function with the most. */
  readonly mostInDoubt: number;
  /** Events that a function never got, whatever the reason. */
  readonly missing: number;
}

interface Account {
  readonly read: number;
  readonly inFlight: number;
  readonly inDoubt: number;
  /** Everything that is not certain to have been taken by the function. */
  readonly unsure: number;
  readonly taken: number;
}

/** A topic, two functions and the gateways that lie between, over many faults. */
export class Stage implements AsyncDisposable {
  readonly topic: TestTopic;
  readonly recorder: Recorder;
  readonly gateways: Gateway[] = [];
  readonly kafka: Brokers;
  readonly wire: Wire;
  readonly random: RandomInt;
  readonly #spec: object;
  #published = 0;
  /** Of them, those whose counts are gone with the offsets of the group. */
  #forgotten = 0;
  #checked = 0;
  readonly #seen = new Set<string>();
  /** What was so after the trial before; `forgotten`: what was missing when the counts were lost. */
  readonly #before = new Map<string, { inDoubt: number; missing: number; forgotten: number }>();

  private constructor({ kafka, wire, random, spec = {} }: StageOptions, topic: TestTopic, recorder: Recorder) {
    this.kafka = kafka;
    this.wire = wire;
    this.random = random;
    this.topic = topic;
    this.recorder = recorder;
    this.#spec = spec;
    this.behaveWell();
  }

  static async start(options: StageOptions): Promise<Stage> {
    const topic = await createTopic(options.kafka.brokers, { partitions: PARTITIONS, name: 'chaos' });
    const stage = new Stage(options, topic, await startRecorder(functions));
    await stage.addGateway();
    return stage;
  }

  get gateway(): Gateway {
    const [first] = this.gateways;
    if (first === undefined) throw new Error('the stage has no gateway');
    return first;
  }

  async addGateway(): Promise<Gateway> {
    const { topic, recorder } = this;
    const gateway = await startGateway({
      manifests: [
        ...functions.map((name) => functionAt(name, recorder.url(name), { app: 'shop' })),
        triggerFor('kafka', 'orders', topic.name, { app: 'shop' }, { delivery, ...this.#spec }),
      ],
      env: { KAFKA_BROKERS: this.wire.brokers.join(), TRIGATE_KAFKA_SESSION_TIMEOUT: SESSION },
      readyWithin: PATIENCE_MS,
    });
    this.gateways.push(gateway);
    return gateway;
  }

  async publish(count: number, options: Omit<ProduceOptions, 'from'> = {}): Promise<void> {
    const from = this.#published;
    this.#published += count;
    await this.topic.produce(count, { from, keyByKey: this.kafka.brokers.length > 1, ...options });
  }

  behaveWell(): void {
    for (const name of functions) this.recorder.behave(name, { type: 'answer', status: 200, afterMs: 1 });
  }

  /** Resolves when every function has got something that was published from now on. */
  async goesOn(): Promise<void> {
    const before = functions.map((name) => this.recorder.of(name).length);
    const tail = this.#published;
    await this.publish(20);
    const isTail = (body: string | undefined) => Number(/"n":(\d+)/.exec(body ?? '')?.[1] ?? -1) >= tail;
    await this.recorder.waitFor(
      'delivery goes on',
      ({ of }) =>
        functions.every((name, i) =>
          of(name)
            .slice(before[i])
            .some(({ body }) => isTail(body)),
        ),
      PATIENCE_MS,
    );
  }

  /** Waits until everything that was published is accounted for; throws what does not hold. */
  async settleUp(): Promise<Cost> {
    const accounts = await eventually(`all ${this.#published} events are accounted`, () => this.#accounts(), {
      within: PATIENCE_MS,
    });
    this.#expectNoDuplicates();
    const costs = functions.map((name) => this.#costOf(name, accounts));
    return {
      inDoubt: costs.reduce((sum, { inDoubt }) => sum + inDoubt, 0),
      mostInDoubt: Math.max(...costs.map(({ inDoubt }) => inDoubt)),
      missing: costs.reduce((sum, { missing }) => sum + missing, 0),
    };
  }

  /** Bytes, of the gateway that has used most. */
  peakRss(): number {
    return Math.max(...this.gateways.map(({ pid }) => usageOf(pid).peakRss));
  }

  /** As retention would: all that is stored. */
  async deleteRecords(): Promise<void> {
    await this.#administer(async (admin) => {
      const partitions = await admin.fetchTopicOffsets(this.topic.name);
      await admin.deleteTopicRecords({
        topic: this.topic.name,
        partitions: partitions.map(({ partition, high }) => ({ partition, offset: high })),
      });
    });
  }

  /** As the broker would, of groups that nobody was in for a week. The counts that are stored with them are gone. */
  async deleteOffsets(): Promise<void> {
    await this.#administer((admin) =>
      admin.deleteGroups(functions.map((name) => `default_orders_${name}_${this.topic.name}`)),
    );
    this.#forgotten = this.#published;
    for (const [name, { missing }] of this.#before) this.#before.set(name, { inDoubt: 0, missing, forgotten: missing });
  }

  async allowBatchesOf(bytes: number): Promise<void> {
    const configEntries = [{ name: 'max.message.bytes', value: `${bytes}` }];
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: this.topic.name, configEntries };
    await this.#administer((admin) => admin.alterConfigs({ validateOnly: false, resources: [resource] }));
  }

  /** Partitions that another broker leads. */
  async partitionsWithout(nodeId: number): Promise<readonly number[]> {
    const { topics } = await this.#administer((admin) => admin.fetchTopicMetadata({ topics: [this.topic.name] }));
    const all = topics.flatMap(({ partitions }) => partitions);
    return all.filter(({ leader }) => leader !== nodeId).map(({ partitionId }) => partitionId);
  }

  /** Resolves when every function has got the last event that is stored in each of these partitions. */
  async reached(partitions: readonly number[], what: string): Promise<void> {
    const ends = await this.#administer((admin) => admin.fetchTopicOffsets(this.topic.name));
    const lasts = ends
      .filter(({ partition, high }) => partitions.includes(partition) && Number(high) > 0)
      .map(({ partition, high }) => `${partition}/${Number(high) - 1}`);
    const isReached = (name: string) => {
      const got = new Set(
        this.recorder.of(name).map(({ headers }) => `${headers['event-partition']}/${headers['event-offset']}`),
      );
      return lasts.every((last) => got.has(last));
    };
    await eventually(what, () => functions.every(isReached), { within: PATIENCE_MS, every: 100 });
  }

  async #administer<T>(action: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Kafka({ brokers: [...this.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      return await action(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gateway of this.gateways) await gateway.stop();
    await this.recorder.close();
    await this.topic.delete();
  }

  /** Of all gateways together, once each function has everything read and nothing in flight; undefined until then. */
  async #accounts(): Promise<ReadonlyMap<string, Account> | undefined> {
    const ledgers = await Promise.all(this.gateways.map((gateway) => gateway.ledger()));
    const problems = ledgers.flatMap(checkLedger);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const rows = ledgers.flatMap(({ triggers }) => triggers.flatMap((trigger) => trigger.functions));
    const accounts = new Map(functions.map((name) => [name, accountOf(rows.filter((row) => row.name === name))]));
    const isDone = [...accounts.values()].every(
      ({ read, inFlight }) => read === this.#published - this.#forgotten && inFlight === 0,
    );
    return isDone ? accounts : undefined;
  }

  #costOf(name: string, accounts: ReadonlyMap<string, Account>): { inDoubt: number; missing: number } {
    const { inDoubt = 0, unsure = 0, taken = 0 } = accounts.get(name) ?? {};
    const missing = this.#published - this.recorder.of(name).length;
    const before = this.#before.get(name) ?? { inDoubt: 0, missing: 0, forgotten: 0 };
    if (missing - before.forgotten > unsure)
      throw new Error(`${name} did not get ${missing} events, and only ${unsure} are unsure`);
    if (this.recorder.of(name).length < taken) throw new Error(`${name} got less than the ${taken} that it took`);
    this.#before.set(name, { ...before, inDoubt, missing });
    return { inDoubt: inDoubt - before.inDoubt, missing: missing - before.missing };
  }

  #expectNoDuplicates(): void {
    const { records } = this.recorder;
    for (; this.#checked < records.length; this.#checked++) {
      const { function: name, eventId, body } = records[this.#checked] ?? {};
      for (const key of [`${name} ${eventId}`, ...(body ? [`${name} ${body}`] : [])]) {
        if (this.#seen.has(key)) throw new Duplicate(`${key} came twice`);
        this.#seen.add(key);
      }
    }
  }
}

export class Duplicate extends Error {
  override readonly name = 'Duplicate';
}

type Row = Awaited<ReturnType<Gateway['ledger']>>['triggers'][number]['functions'][number];

function accountOf(rows: readonly Row[]): Account {
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  const all = (reasons: Readonly<Record<string, number>>) => Object.values(reasons).reduce((a, b) => a + b, 0);
  return {
    read: sum(({ read }) => read),
    inFlight: sum(({ inFlight }) => inFlight),
    inDoubt: sum(({ unknown, dropped }) => (unknown.crash ?? 0) + (dropped.claim_lost ?? 0)),
    unsure: sum((row) => all(row.unknown) + all(row.dropped) + all(row.droppedBeforeClaim)),
    taken: sum(({ delivered, rejected }) => delivered + rejected),
  };
}
