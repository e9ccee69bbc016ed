import { z } from 'zod';
import { systemClock } from '../../../src/domain/clock.ts';
import type { Event } from '../../../src/domain/event.ts';
import type { Gate, OnSettled, Room, Source, SourceContext } from '../../../src/domain/kind.ts';
import type { Account, Counts } from '../../../src/domain/ledger.ts';
import { addCounts, countOutcome, noCounts } from '../../../src/domain/ledger.ts';
import type { DroppedReason, Outcome } from '../../../src/domain/outcome.ts';
import { delivery } from '../../../src/domain/trigger.ts';
import type { TopicLog } from '../../../src/standalone/log/topic-log.ts';
import type { LogTriggerSpec } from '../../../triggers/log/index.ts';
import { logKind } from '../../../triggers/log/index.ts';
import { forgetful, silent, storeless } from '../../support/topic-log.ts';

interface Passed {
  readonly event: Event;
  readonly settle: (...outcomes: Outcome[]) => void;
}

/** The delivery side by its contract, with a test as the functions: it gives room and settles by hand. */
export class HandGate implements Gate {
  readonly passed: Passed[] = [];
  released = 0;
  #room: number;
  #waiting: { wanted: number; resolve: (room: Room) => void } | undefined;
  readonly #account: TestAccount;

  constructor(room: number, account: TestAccount) {
    this.#room = room;
    this.#account = account;
  }

  get isAskedForRoom(): boolean {
    return this.#waiting !== undefined;
  }

  give(room: number): void {
    this.#room += room;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) void this.reserve(waiting.wanted).then(waiting.resolve);
  }

  reserve(wanted: number): Promise<Room> {
    if (this.#room > 0) return Promise.resolve(this.tryReserve(wanted));
    return new Promise((resolve) => {
      this.#waiting = { wanted, resolve };
    });
  }

  tryReserve(wanted: number): Room {
    const size = Math.min(wanted, this.#room);
    this.#room -= size;
    let open = true;
    return {
      size,
      reason: 'overflow',
      pass: (events, onSettled) => {
        if (!open || events.length > size) throw new Error('passed more than was reserved');
        open = false;
        this.#room += size - events.length;
        for (const event of events) this.#take(event, onSettled);
        return { disown() {}, abort() {} };
      },
      release: () => {
        if (!open) return;
        open = false;
        this.released += size;
        this.#room += size;
      },
    };
  }

  #take(event: Event, onSettled: OnSettled): void {
    this.#account.claimed();
    const settle = (...outcomes: Outcome[]) => {
      this.#account.settled(outcomes);
      onSettled(event, outcomes);
    };
    this.passed.push({ event, settle });
  }
}

export class TestAccount implements Account {
  readonly byFunction = new Map<string, Counts>();
  readonly feed: [offset: number, what: string, functionName?: string][] = [];
  readonly #functions: readonly string[];

  constructor(functions: readonly string[]) {
    this.#functions = functions;
  }

  #each(change: (counts: Counts) => void): void {
    for (const name of this.#functions) change(this.#of(name));
  }

  #of(name: string): Counts {
    const counts = this.byFunction.get(name) ?? noCounts();
    this.byFunction.set(name, counts);
    return counts;
  }

  claimed = () => this.#each((counts) => counts.claimed++);
  settled(outcomes: readonly Outcome[]): void {
    for (const [i, outcome] of outcomes.entries()) countOutcome(this.#of(this.#functions[i] ?? ''), outcome);
  }
  read = (events: number) => this.#each((counts) => (counts.read += events));
  filtered = (events: number) => this.#each((counts) => (counts.filtered += events));
  gap = () => {};
  restore = (name: string, counts: Counts) => void this.byFunction.set(name, counts);
  lost = () => {};
  adopt = (name: string, counts: Counts) => addCounts(this.#of(name), counts, 1);
  release = (name: string, counts: Counts) => addCounts(this.#of(name), counts, -1);
  counts = (name: string) => this.#of(name);

  dropped(event: Event, reason: DroppedReason): void {
    this.#each((counts) => counts.droppedBeforeClaim[reason]++);
    this.feed.push([offsetOf(event), reason]);
  }

  inDoubt(event: Pick<Event, 'coordinates'>, name: string, outcome: Outcome): void {
    countOutcome(this.#of(name), outcome);
    this.feed.push([offsetOf(event), outcome.type === 'unknown' ? outcome.reason : outcome.type, name]);
  }
}

export const offsetOf = ({ coordinates }: Pick<Event, 'coordinates'>): number =>
  coordinates.type === 'log' ? coordinates.offset : -1;

export interface Opened {
  readonly source: Source;
  readonly gate: HandGate;
  readonly account: TestAccount;
  readonly failures: Error[];
  readonly abort: AbortController;
  close(ms?: number): Promise<void>;
}

export interface Wanted {
  readonly functions?: readonly string[];
  readonly spec?: Partial<Omit<LogTriggerSpec, 'delivery'>>;
  readonly delivery?: z.input<typeof delivery>;
  readonly room?: number;
  readonly isJoining?: boolean;
}

/** Opens a subscription of a trigger named `t` on topic `orders`. */
export async function subscribe(log: TopicLog, wanted: Wanted = {}): Promise<Opened> {
  const { functions = ['f'] } = wanted;
  const account = new TestAccount(functions);
  const gate = new HandGate(wanted.room ?? 1_000, account);
  const failures: Error[] = [];
  const abort = new AbortController();
  const context: SourceContext = {
    gate,
    account,
    log: silent,
    clock: systemClock,
    memory: forgetful,
    store: storeless,
    signal: abort.signal,
    report() {},
    fail: (error) => void failures.push(error),
  };
  const fanout = functions.length > 1 ? 'shared' : 'isolated';
  const spec: LogTriggerSpec = {
    topic: 'orders',
    functionSelector: {},
    fanout,
    startFrom: 'earliest',
    ...wanted.spec,
    delivery: delivery.parse(wanted.delivery ?? {}),
  };
  const trigger = { kind: 'kafka', namespace: 'default', name: 't', uid: 'u' };
  const source = await kindOn(log).open(
    { trigger, spec, fanout, functions, isJoining: wanted.isJoining ?? false },
    context,
  );
  const close = (ms = 2_000) => source.close(systemClock.monotonic() + ms);
  return { source, gate, account, failures, abort, close };
}

const kindOn = (log: TopicLog) =>
  logKind(
    {
      name: 'kafka',
      resource: {
        group: 'kubeless.io',
        version: 'v1beta1',
        kind: 'KafkaTrigger',
        plural: 'kafkatriggers',
        singular: 'kafkatrigger',
        shortNames: [],
        namespaced: true,
      },
      eventNamespace: 'kafkatriggers.kubeless.io',
      eventType: 'test',
      spec: z.custom<LogTriggerSpec>(),
    },
    log,
  );
