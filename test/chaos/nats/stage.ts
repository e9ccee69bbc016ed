import { randomUUID } from 'node:crypto';
import { connect, type JetStreamClient, type JetStreamManager, type MsgHdrs, type NatsConnection } from 'nats';
import { usageOf } from '../../bench/measure.ts';
import { type Nats, startNats, startNatsCluster } from '../../services/nats.ts';
import { checkLedger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { functionAt, triggerFor } from '../../support/manifests.ts';
import { numberedBodies } from '../../support/numbered.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';

export const DURABLE = ['audit', 'email'] as const;
export const VOLATILE = 'live';
export const delivery = { room: 64, concurrency: 8, timeout: '2s' };
/** What a crash may leave in doubt, for each function. */
export const WINDOW = delivery.room + delivery.concurrency;
const PATIENCE_MS = 60_000;

/** What faults cost, for the function with the most. */
export interface Cost {
  readonly inDoubt: number;
  /** Claimed, and given to nobody: their deliveries were lost on the way. */
  readonly neverSent: number;
  /** Of core NATS: what it dropped, with a count. */
  readonly overflow: number;
}

interface StageOptions {
  readonly servers: 1 | 3;
}

/** Servers, a way to each that can be disturbed, a gateway behind them, and two triggers: one of a stream, one of core NATS. */
export class Stage implements AsyncDisposable {
  readonly servers: readonly Nats[];
  /** The gateway's ways to them. */
  readonly ways: readonly TcpProxy[];
  readonly client: NatsConnection;
  readonly manager: JetStreamManager;
  readonly recorder: Recorder;
  readonly gateway: Gateway;
  readonly stream: string;
  readonly #jetstream: JetStreamClient;
  readonly #subject: string;
  #published = 0;
  #live = 0;
  /** Of all faults that are settled. */
  #cost: Cost = { inDoubt: 0, neverSent: 0, overflow: 0 };

  private constructor(parts: {
    servers: readonly Nats[];
    ways: readonly TcpProxy[];
    client: NatsConnection;
    manager: JetStreamManager;
    recorder: Recorder;
    gateway: Gateway;
    id: string;
  }) {
    this.servers = parts.servers;
    this.ways = parts.ways;
    this.client = parts.client;
    this.manager = parts.manager;
    this.recorder = parts.recorder;
    this.gateway = parts.gateway;
    this.stream = `chaos-${parts.id}`;
    this.#subject = `chaos.${parts.id}`;
    this.#jetstream = parts.client.jetstream();
  }

  static async start({ servers: count }: StageOptions): Promise<Stage> {
    const servers = count === 1 ? [await startNats({ jetstream: true })] : await startNatsCluster(count);
    const addresses = servers.map(({ url }) => url);
    const client = await connect({ servers: addresses, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
    const manager = await eventually('JetStream answers', () => client.jetstreamManager(), { within: PATIENCE_MS });
    const id = randomUUID().slice(0, 8);
    const stream = { name: `chaos-${id}`, subjects: [`chaos.${id}.*`], num_replicas: count };
    await eventually('there is a stream', () => manager.streams.add(stream), { within: PATIENCE_MS });
    const ways = await Promise.all(addresses.map(tcpProxy));
    const recorder = await startRecorder([...DURABLE, VOLATILE]);
    behaveWell(recorder);
    const gateway = await startGateway({
      manifests: manifests(recorder, id),
      env: { NATS_URL: ways.map(({ address }) => `nats://${address}`).join() },
      readyWithin: PATIENCE_MS,
    });
    return new Stage({ servers, ways, client, manager, recorder, gateway, id });
  }

  /** Into the stream: numbered events, each stored once, however often it has to be tried. */
  async publish(count: number, options: { size?: number; headers?: MsgHdrs } = {}): Promise<void> {
    const { size = 0, headers } = options;
    const from = this.#published;
    this.#published += count;
    for (const [i, body] of numberedBodies(count, from, size).entries()) {
      const n = from + i;
      await this.#store(`key-${n % 10}`, new TextEncoder().encode(body), `${n}`, headers);
    }
  }

  /** One event that is not numbered, and counts as one that the functions have to get or to have dropped. */
  async publishOdd(key: string, data: Uint8Array, headers?: MsgHdrs): Promise<void> {
    this.#published++;
    await this.#store(key, data, randomUUID(), headers);
  }

  async #store(key: string, data: Uint8Array, id: string, headers?: MsgHdrs): Promise<void> {
    const options = { msgID: id, timeout: 5_000, ...(headers !== undefined && { headers }) };
    await eventually(
      'the stream takes an event',
      () => this.#jetstream.publish(`${this.#subject}.${key}`, data, options),
      {
        within: PATIENCE_MS,
      },
    );
  }

  /** To whoever listens on core NATS. */
  async publishLive(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.client.publish(`live.${this.#subject}`, `live ${this.#live++}`);
    await this.client.flush();
  }

  /** The durable consumers of the triggers. */
  async consumers(): Promise<string[]> {
    return (await this.manager.consumers.list(this.stream).next()).map(({ name }) => name);
  }

  /** Resolves when every function of the stream has got something that was published from now on. */
  async goesOn(): Promise<void> {
    const tail = this.#published;
    await this.publish(10);
    const isTail = (body: string | undefined) => Number(/^\{"n":(\d+)/.exec(body ?? '')?.[1] ?? -1) >= tail;
    const came = () => DURABLE.every((name) => this.recorder.of(name).some(({ body }) => isTail(body)));
    await this.recorder.waitFor('delivery goes on', came, PATIENCE_MS).catch(async (error) => {
      const ready = await this.gateway.get('/readyz').catch(String);
      throw new Error(`${error}; ${JSON.stringify(ready)}; ${JSON.stringify(await this.gateway.ledger())}`);
    });
  }

  /** Sees what passes between the gateway and the servers. */
  watch(rule?: Parameters<TcpProxy['watch']>[0]): void {
    for (const way of this.ways) way.watch(rule);
  }

  /** Resolves when everything is accounted, with what it cost since the last time. Rejects when something came twice or does not add up. */
  async settleUp(): Promise<Cost> {
    const rows = await eventually('everything is accounted', () => this.#settled(), { within: PATIENCE_MS });
    const ledger = await this.gateway.ledger();
    const live = ledger.triggers.find(({ name }) => name === VOLATILE)?.functions[0];
    const problems = [...checkLedger(ledger), ...this.#duplicates(), ...rows.flatMap((row) => this.#unaccounted(row))];
    if (problems.length > 0) throw new Error(problems.slice(0, 5).join('; '));
    const before = this.#cost;
    this.#cost = {
      inDoubt: Math.max(...rows.map(({ unknown }) => unknown.crash ?? 0)),
      neverSent: Math.max(...rows.map(({ dropped }) => dropped.claim_lost ?? 0)),
      overflow: live?.droppedBeforeClaim.overflow ?? 0,
    };
    return {
      inDoubt: this.#cost.inDoubt - before.inDoubt,
      neverSent: this.#cost.neverSent - before.neverSent,
      overflow: this.#cost.overflow - before.overflow,
    };
  }

  get peakRss(): number {
    return usageOf(this.gateway.pid).peakRss;
  }

  async #settled() {
    const { triggers } = await this.gateway.ledger();
    const rows = triggers.find(({ name }) => name === 'durable')?.functions ?? [];
    const isDone =
      rows.length === DURABLE.length && rows.every((row) => row.inFlight === 0 && row.read === this.#published);
    return isDone && rows;
  }

  #duplicates(): string[] {
    const { records } = this.recorder;
    return [
      ...twice(records.map(({ function: name, eventId }) => `${name} ${eventId}`)),
      ...twice(this.recorder.of(VOLATILE).map(({ body }) => `${body}`)),
      ...DURABLE.flatMap((name) =>
        twice(this.recorder.of(name).flatMap(({ body }) => /^\{"n":\d+/.exec(body ?? '') ?? [])),
      ),
    ];
  }

  #unaccounted(row: Row): string[] {
    const got = this.recorder.of(row.name).length;
    const unsure = Object.values(row.unknown).reduce((sum, n) => sum + n, 0);
    const sure = row.delivered + row.rejected;
    if (got >= sure && got <= sure + unsure) return [];
    return [`${row.name} got ${got}, and the ledger says ${sure} for certain and ${unsure} in doubt`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of this.ways) way.heal();
    await this.gateway.stop();
    await this.client.close();
    for (const way of this.ways) await way.close();
    for (const server of this.servers) await server.stop();
    await this.recorder.close();
  }
}

type Row = Awaited<ReturnType<Gateway['ledger']>>['triggers'][number]['functions'][number];

export function behaveWell(recorder: Recorder): void {
  for (const name of [...DURABLE, VOLATILE]) recorder.behave(name, { type: 'answer', status: 200, afterMs: 1 });
}

function twice(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.flatMap((key) => (seen.size === seen.add(key).size ? [`${key} came twice`] : []));
}

/** What is published to `chaos.ID.*` is the stream's, to `live.chaos.ID` core NATS'. */
export const manifests = (recorder: Recorder, id: string): object[] => [
  ...DURABLE.map((name) => functionAt(name, recorder.url(name), { app: 'durable' })),
  functionAt(VOLATILE, recorder.url(VOLATILE), { app: 'live' }),
  triggerFor(
    'nats',
    'durable',
    `chaos.${id}.*`,
    { app: 'durable' },
    { delivery, jetstream: {}, startFrom: 'earliest' },
  ),
  triggerFor('nats', VOLATILE, `live.chaos.${id}`, { app: 'live' }, { delivery }),
];
