import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { type Nats, startNats, startNatsCluster } from '../../services/nats.ts';
import { checkLedger, type Ledger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { functionAt, triggerFor } from '../../support/manifests.ts';
import { numberedBodies } from '../../support/numbered.ts';
import type { RandomInt } from '../../support/random.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';

const FUNCTION = 'audit';
const REPLICAS = 2;
const PATIENCE_MS = 60_000;
const delivery = { room: 64, concurrency: 8, timeout: '2s' };
const CHUNK = 25;
/** Events that may wait, or be lost by one kill, before no more are published: a slow machine has to come to an end, too. */
const MOST_WAITING = 400;

type Row = Ledger['triggers'][number]['functions'][number];

/** What kills of replicas cost since the last time. */
export interface ReplicasCost {
  readonly inDoubt: number;
  /** Claimed, and given to nobody. */
  readonly neverSent: number;
}

/** Two gateways that share one consumer, under a load that does not end while one of them is killed. */
export class Replicas implements AsyncDisposable {
  readonly #servers: readonly Nats[];
  readonly #client: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #recorder: Recorder;
  readonly #gateways: readonly Gateway[];
  readonly #id: string;
  #published = 0;
  #cost: ReplicasCost = { inDoubt: 0, neverSent: 0 };

  private constructor(parts: {
    servers: readonly Nats[];
    client: NatsConnection;
    manager: JetStreamManager;
    recorder: Recorder;
    gateways: readonly Gateway[];
    id: string;
  }) {
    this.#servers = parts.servers;
    this.#client = parts.client;
    this.#manager = parts.manager;
    this.#recorder = parts.recorder;
    this.#gateways = parts.gateways;
    this.#id = parts.id;
  }

  static async start(count: 1 | 3): Promise<Replicas> {
    const servers = count === 1 ? [await startNats({ jetstream: true })] : await startNatsCluster(count);
    const addresses = servers.map(({ url }) => url);
    const client = await connect({ servers: addresses, maxReconnectAttempts: -1 });
    const manager = await eventually('JetStream answers', () => client.jetstreamManager(), { within: PATIENCE_MS });
    const id = randomUUID().slice(0, 8);
    const stream = { name: `replicas-${id}`, subjects: [`replicas.${id}.*`], num_replicas: count };
    await eventually('there is a stream', () => manager.streams.add(stream), { within: PATIENCE_MS });
    const recorder = await startRecorder([FUNCTION]);
    recorder.behave(FUNCTION, { type: 'answer', status: 200, afterMs: 2 });
    const spec = { delivery, jetstream: {}, startFrom: 'earliest' };
    const manifests = [
      functionAt(FUNCTION, recorder.url(FUNCTION), { app: 'r' }),
      triggerFor('nats', 'durable', `replicas.${id}.*`, { app: 'r' }, spec),
    ];
    const env = { NATS_URL: addresses.join() };
    const gateways: Gateway[] = [];
    for (let i = 0; i < REPLICAS; i++) gateways.push(await startGateway({ manifests, env, readyWithin: PATIENCE_MS }));
    return new Replicas({ servers, client, manager, recorder, gateways, id });
  }

  /** Kills so many of the replicas in the middle of what they do, and starts them again under load; answers how long that took, ms. */
  async killUnderLoad(random: RandomInt, victims: 1 | 2): Promise<number> {
    const first = random(0, REPLICAS - 1);
    const killed = victims === 1 ? [this.#gateways[first]] : this.#gateways;
    const others = this.#published - this.#recorder.records.length;
    const waiting = () => this.#published - this.#recorder.records.length - others;
    let isOver = false;
    const load = (async () => {
      for (; !isOver; await pause(5)) if (waiting() < MOST_WAITING) await this.#publish(CHUNK);
    })();
    try {
      const before = this.#recorder.records.length;
      const some = before + random(1, 4 * CHUNK);
      await this.#recorder.waitFor('some have come', ({ records }) => records.length >= some, PATIENCE_MS);
      await pause(random(0, 40));
      await Promise.all(killed.map((gateway) => gateway?.kill('SIGKILL')));
      const from = performance.now();
      if (victims === 1) await pause(random(0, 300));
      await Promise.all(killed.map((gateway) => gateway?.restart()));
      return performance.now() - from;
    } finally {
      isOver = true;
      await load;
    }
  }

  async #publish(count: number): Promise<void> {
    const from = this.#published;
    this.#published += count;
    await Promise.all(numberedBodies(count, from).map((body, i) => this.#store(body, from + i)));
  }

  async #store(body: string, n: number): Promise<void> {
    const store = () =>
      this.#client.jetstream().publish(`replicas.${this.#id}.key-${n % 10}`, body, { msgID: `${n}`, timeout: 5_000 });
    await eventually('the stream takes an event', store, { within: PATIENCE_MS });
  }

  /** Resolves when all that was published is in the ledgers. Rejects when something came twice, or does not add up. */
  async settleUp(): Promise<ReplicasCost> {
    let rows: readonly Row[] = [];
    await eventually(
      'all is in the ledgers of the replicas',
      async () => {
        rows = await this.#rows();
        return this.#isSettled(rows);
      },
      { within: PATIENCE_MS },
    ).catch((error) => {
      throw new Error(`${error}; ${this.#published} were published; ${JSON.stringify(rows)}`);
    });
    const ledgers = await Promise.all(this.#gateways.map((gateway) => gateway.ledger()));
    const problems = [
      ...ledgers.flatMap((ledger) => checkLedger(ledger)),
      ...this.#twice(),
      ...this.#unaccounted(rows),
    ];
    const gaps = ledgers.flatMap(({ triggers }) => triggers.flatMap((trigger) => trigger.gaps));
    if (gaps.length > 0) problems.push(`gaps: ${JSON.stringify(gaps)}`);
    await eventually('the server waits for no acknowledgement', async () => {
      const [consumer] = await this.#manager.consumers.list(`replicas-${this.#id}`).next();
      return consumer?.num_ack_pending === 0;
    });
    if (problems.length > 0) throw new Error(problems.slice(0, 5).join('; '));
    const cost = {
      inDoubt: sum(rows.map(({ unknown }) => total(unknown))),
      neverSent: sum(rows.map(({ dropped }) => total(dropped))),
    };
    const before = this.#cost;
    this.#cost = cost;
    return { inDoubt: cost.inDoubt - before.inDoubt, neverSent: cost.neverSent - before.neverSent };
  }

  async #rows(): Promise<readonly Row[]> {
    const ledgers = await Promise.all(this.#gateways.map((gateway) => gateway.ledger()));
    return ledgers.flatMap(({ triggers }) => triggers.flatMap(({ functions }) => functions));
  }

  #isSettled(rows: readonly Row[]): boolean {
    return rows.every(({ inFlight }) => inFlight === 0) && sum(rows.map(({ read }) => read)) === this.#published;
  }

  #twice(): string[] {
    const seen = new Set<string>();
    const bodies = this.#recorder.records.map(({ body }) => `${body}`);
    return bodies.flatMap((body) => (seen.size === seen.add(body).size ? [`${body} came twice`] : []));
  }

  /** What was read has an outcome, and what the function never got is in doubt or dropped. */
  #unaccounted(rows: readonly Row[]): string[] {
    const got = this.#recorder.records.length;
    const read = sum(rows.map((row) => row.read));
    const sure = sum(rows.map((row) => row.delivered + row.rejected));
    const unsure = sum(rows.map((row) => total(row.unknown)));
    const dropped = sum(rows.map((row) => total(row.dropped) + total(row.droppedBeforeClaim)));
    const problems: string[] = [];
    if (read !== sure + unsure + dropped)
      problems.push(`${read} were read, ${sure} + ${unsure} + ${dropped} have an outcome`);
    if (got < sure || got > sure + unsure) problems.push(`${got} came, ${sure} for certain and ${unsure} in doubt`);
    return problems;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gateway of this.#gateways) await gateway.stop();
    await this.#client.close();
    for (const server of this.#servers) await server.stop();
    await this.#recorder.close();
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, n) => all + n, 0);
const total = (byReason: Readonly<Record<string, number>>): number => sum(Object.values(byReason));
