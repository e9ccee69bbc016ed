import kafkajs, { type OffsetsByTopicPartition } from 'kafkajs';
import { z } from 'zod';
import type { Gate, Memory, SourceContext } from '../../src/domain/kind.ts';
import type { Account } from '../../src/domain/ledger.ts';
import type { Remembered } from '../../triggers/kafka/adopt.ts';
import { Claims } from '../../triggers/kafka/claim.ts';
import type { Group, StoredPosition } from '../../triggers/kafka/membership.ts';
import { Ownership } from '../../triggers/kafka/ownership.ts';
import { BatchReader } from '../../triggers/kafka/reader.ts';
import { kafkaTriggerSpec } from '../../triggers/kafka/spec.ts';
import type { LostPosition } from '../../triggers/kafka/start.ts';
import { OutletBench } from './outlet.ts';
import { loop } from './scripted-commit.ts';
import { silent, storeless } from './topic-log.ts';

const committed = z.object({ partition: z.int(), offset: z.coerce.number(), metadata: z.string() });

type Topics = OffsetsByTopicPartition['topics'];

/** What becomes of an OffsetCommit. */
export type Fate =
  | 'answered'
  /** Never reaches the broker; its sender hears of a time-out. */
  | 'lost'
  /** Applied; its sender hears of a time-out. */
  | 'unanswered'
  /** Not applied, for a reason that ends no membership. */
  | 'refused'
  /** Stays out until `finish`. */
  | 'held';

/** Offsets of a partition that a fetch has brought. */
export interface FetchedRecords {
  readonly partition: number;
  readonly from: number;
  readonly count: number;
}

const TOPIC = 'orders';

/** The broker's side of one topic and one group, in memory: it applies what a coordinator would apply, and nothing else. */
export class MemoryGroup {
  readonly positions = new Map<number, StoredPosition>();
  readonly ends = new Map<number, { low: number; high: number }>();
  generation = 0;
  fate: Fate = 'answered';
  /** Of the next calls of `positions`. */
  failures: Error[] = [];
  #held: ((fate: Exclude<Fate, 'held'>) => void)[] = [];

  constructor(partitions: number, events = 0) {
    for (let partition = 0; partition < partitions; partition++) this.ends.set(partition, { low: 0, high: events });
  }

  produce(partition: number, events: number): void {
    const end = this.ends.get(partition);
    if (end !== undefined) end.high += events;
  }

  /** What was held meets its fate. */
  finish(fate: Exclude<Fate, 'held'> = 'answered'): void {
    const held = this.#held;
    this.#held = [];
    for (const end of held) end(fate);
  }

  /** The same for the one that was sent last. */
  finishLast(fate: Exclude<Fate, 'held'>): void {
    this.#held.pop()?.(fate);
  }

  stored(partition: number): StoredPosition {
    return this.positions.get(partition) ?? { partition, offset: -1, metadata: '' };
  }

  /** The group as a member of that generation sees it. */
  seenWith(generation: number, partitions: readonly number[]): Group {
    return {
      generation,
      partitions,
      commit: (topics) => this.#commit(generation, topics),
      canJoin: () => true,
      heartbeat: async () => {},
      positions: async () => {
        const failure = this.failures.shift();
        if (failure !== undefined) throw failure;
        return [...this.ends.keys()].map((partition) => this.stored(partition));
      },
      ends: async () => new Map([...this.ends].filter(([partition]) => partitions.includes(partition))),
    };
  }

  async #commit(generation: number, topics: Topics): Promise<void> {
    const { fate } = this;
    if (fate !== 'held') return this.#end(fate, generation, topics);
    const { promise, resolve } = Promise.withResolvers<Exclude<Fate, 'held'>>();
    this.#held.push(resolve);
    return this.#end(await promise, generation, topics);
  }

  async #end(fate: Exclude<Fate, 'held'>, generation: number, topics: Topics): Promise<void> {
    if (fate === 'lost') throw timeOut();
    if (fate === 'refused') throw refusal('GROUP_LOAD_IN_PROGRESS');
    if (generation !== this.generation) throw refusal('ILLEGAL_GENERATION');
    for (const { partitions } of topics) {
      for (const part of partitions) {
        const { partition, offset, metadata } = committed.parse(part);
        this.positions.set(partition, { partition, offset, metadata });
      }
    }
    if (fate === 'unanswered') throw timeOut();
  }
}

const timeOut = () => new kafkajs.KafkaJSConnectionError('Request timed out');
const refusal = (type: string) =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 0, retriable: false }));

export interface MemberOptions {
  readonly functions?: readonly string[];
  readonly spec?: object;
  /** Of the spec, and of the bench. */
  readonly delivery?: { readonly room: number; readonly concurrency: number };
  readonly remembered?: ReadonlyMap<number, Remembered>;
  readonly memory?: Memory;
  readonly bench?: OutletBench;
  /** Stands in for the bench's. */
  readonly gate?: Gate;
  /** Takes whatever room there is, also before it is known how fast the function is. */
  readonly isEager?: true;
  /** Of which process it is. Default: one of its own. */
  readonly by?: string;
  /** What earlier members of that process have counted. */
  readonly crashed?: ReadonlySet<string>;
}

let members = 0;

/** A member of a group without kafkajs: what is ours of a source, over a broker in memory and a clock that stands still. */
export class MemberBench {
  readonly bench: OutletBench;
  readonly by: string;
  /** Of this process counted as `unknown(crash)` when it took a partition over: `partition/offset`. */
  readonly crashed: Set<string>;
  readonly claims: Claims;
  readonly owned: Ownership;
  readonly failures: Error[] = [];
  /** Claims that were refused, as kafkajs hears of them. */
  readonly refusals: Error[] = [];
  /** By partition: where everything before it is done with. */
  readonly reached = new Map<number, number>();
  /** That handlers have sent. */
  heartbeats = 0;
  /** Most commits that were on their way at a time. */
  mostOut = 0;
  #out = 0;
  readonly #reader: BatchReader;
  readonly #group: MemoryGroup;
  #seen: Group | undefined;
  /** Where kafkajs would fetch next. */
  readonly #resolved = new Map<number, number>();

  constructor(group: MemoryGroup, options: MemberOptions = {}) {
    const { functions = ['f'], delivery, remembered, memory = remembersNothing } = options;
    const spec = { ...options.spec, ...(delivery !== undefined && { delivery }) };
    this.#group = group;
    this.by = options.by ?? `process-${members++}`;
    this.crashed = new Set(options.crashed);
    this.bench = options.bench ?? new OutletBench({ functions, ...(delivery !== undefined && { delivery }) });
    const context: SourceContext = {
      gate: options.gate ?? (options.isEager === true ? eager(this.bench.gate) : this.bench.gate),
      account: this.#noting(this.bench.outlet.account),
      log: silent,
      clock: this.bench.clock,
      memory,
      store: storeless,
      signal: new AbortController().signal,
      report() {},
      fail: (error) => void this.failures.push(error),
    };
    const parsed = kafkaTriggerSpec.parse({ topic: TOPIC, startFrom: 'earliest', ...spec });
    const trigger = { kind: 'sample', namespace: 'default', name: 'orders', uid: 'u' };
    const subscription = { trigger, spec: parsed, fanout: 'shared' as const, functions };
    const { room, concurrency } = parsed.delivery;
    const onDoubt = (error: Error) => context.fail(error);
    this.claims = new Claims({ topic: TOPIC, clock: context.clock, window: room + concurrency, onDoubt });
    this.#reader = new BatchReader(this.claims, 'cluster', subscription, context, {
      claimed() {},
      reached: (partition, offset) => void this.reached.set(partition, offset),
      again: (partition, offset) => void this.#resolved.set(partition, offset),
      failed: (error) => void this.refusals.push(error),
    });
    this.owned = new Ownership({
      by: this.by,
      subscription,
      claims: this.claims,
      context,
      remembered,
      bare: (partition, offset) => this.#reader.bare(partition, offset),
    });
  }

  get partitions(): readonly number[] {
    return this.#seen?.partitions ?? [];
  }

  /** Before a join. Resolves when kafkajs would go on. */
  async leave(waitMs = 1_000): Promise<void> {
    if (this.#seen === undefined) return;
    const { clock } = this.bench;
    const left = this.owned.leave(this.#seen, clock.monotonic() + waitMs, waitMs);
    this.#reader.release();
    await left;
  }

  async join(generation: number, ...partitions: readonly number[]): Promise<readonly LostPosition[]> {
    const seen = this.#group.seenWith(generation, partitions);
    this.#seen = { ...seen, commit: (topics) => this.#committing(generation, topics) };
    const held = await this.owned.join(this.#seen);
    this.#resolved.clear();
    return held;
  }

  /**
   * What a fetch brings of that partition: at most so many events, from where kafkajs stands or from another offset.
   * Undefined where there is nothing, or where it is thrown away.
   */
  fetch(partition: number, events = Number.POSITIVE_INFINITY, start?: number): FetchedRecords | undefined {
    const owned = this.owned.get(partition);
    const end = this.#group.ends.get(partition);
    if (owned === undefined || end === undefined) return undefined;
    const from = start ?? this.#resolved.get(partition) ?? Math.max(0, this.#group.stored(partition).offset);
    const reachable = this.#reader.endOf(owned);
    if (from > reachable) {
      this.#resolved.set(partition, reachable);
      return undefined;
    }
    const count = Math.max(0, Math.min(events, end.high - from));
    return count === 0 ? undefined : { partition, from, count };
  }

  /** Hands a batch over. Resolves when the handler has returned, and a claim could leave. */
  async handle({ partition, from, count }: FetchedRecords): Promise<void> {
    const owned = this.owned.get(partition);
    if (owned === undefined) return;
    const messages = Array.from({ length: count }, (_, i) => record(partition, from + i));
    const payload = {
      batch: { partition, messages, lastOffset: () => String(from + count - 1) },
      resolveOffset: (offset: string) => this.#resolved.set(partition, Number(offset) + 1),
      heartbeat: async () => void this.heartbeats++,
    };
    await this.#reader.read(payload, owned, from);
    await loop();
  }

  /** Fetches and hands over. */
  async read(partition: number, events?: number, start?: number): Promise<void> {
    const fetched = this.fetch(partition, events, start);
    if (fetched !== undefined) await this.handle(fetched);
  }

  /** A fetch that found nothing to be claimed between two offsets. */
  passOver(partition: number, from: number, until: number): void {
    const owned = this.owned.get(partition);
    if (owned !== undefined) this.#reader.passOver(owned, from, until);
  }

  stop(): void {
    this.#reader.stop();
  }

  /** Answers what is open, and lets it be settled. */
  async answer(status = 200, ...eventIds: readonly string[]): Promise<void> {
    for (const fn of this.bench.functions.values()) fn.answer(status, ...eventIds);
    await loop();
  }

  /** Answers what is open at one function, if it has that. */
  async answerOf(name: string): Promise<void> {
    this.bench.functions.get(name)?.answer(200);
    await loop();
  }

  /** Lets a settle commit go out by itself. */
  async quiet(ms = 1_000): Promise<void> {
    await this.bench.run(ms, 100);
    await loop();
  }

  /** Bodies of the requests that a function of this member got. */
  calls(name = 'f'): string[] {
    return this.bench.f(name).calls.map(({ request }) => Buffer.from(request.body ?? []).toString());
  }

  #noting(account: Account): Account {
    return {
      ...account,
      inDoubt: (event, functionName, outcome) => {
        const { coordinates: at } = event;
        if (at.type === 'kafka' && outcome.type === 'unknown') this.crashed.add(`${at.partition}/${at.offset}`);
        account.inDoubt(event, functionName, outcome);
      },
    };
  }

  #committing(generation: number, topics: Topics): Promise<void> {
    this.mostOut = Math.max(this.mostOut, ++this.#out);
    const done = this.#group.seenWith(generation, []).commit(topics);
    const answered = done.then(() => this.claims.committed(topics, generation));
    return answered.finally(() => this.#out--);
  }
}

const eager = (gate: Gate): Gate => ({
  tryReserve: (wanted) => gate.tryReserve(wanted),
  async reserve(wanted, until) {
    const room = gate.tryReserve(wanted);
    return room.size > 0 ? room : gate.reserve(wanted, until);
  },
});

const remembersNothing: Memory = { recall: () => undefined, remember: async () => {} };

const record = (partition: number, offset: number) => ({
  key: null,
  value: Buffer.from(`${partition}/${offset}`),
  timestamp: '0',
  offset: String(offset),
  headers: {},
  attributes: 0,
});
