import { randomBytes } from 'node:crypto';
import {
  asError,
  type Cancel,
  type Deadline,
  type DroppedReason,
  type Room,
  roomUnlessStopped,
  type Source,
  type SourceContext,
  type Subscription,
} from '../../src/sdk.ts';
import type { Ahead } from './ahead.ts';
import { Books, closeTicks, type EndedTick, withDropped } from './books.ts';
import { type ClaimAnswer, claimTicks } from './claim.ts';
import { type DroppedTick, type Due, dueTicks, suspendedTicks } from './due.ts';
import { type CronEvent, eventMaker } from './event.ts';
import { Firing } from './firing.ts';
import { type CronRecord, iso } from './record.ts';
import { RecordStore, type Written } from './record-store.ts';
import { LEASE_MS, RunningTicks } from './running.ts';
import { parseSchedule } from './schedule/schedule.ts';
import { Settlement } from './settlement.ts';
import type { CronJobTriggerSpec } from './spec.ts';

/** The longest sleep: how late a step of the clock, or a machine that woke up, is noticed. */
const LONGEST_SLEEP_MS = 15_000;
const SHORTEST_SLEEP_MS = 1;
/** While an earlier call holds up a tick: how often to look whether another process has ended its call. */
const BLOCKED_MS = 1_000;
/** After a tick that somebody else has taken. */
const LOST_RACE_MS = 50;

export interface CronSourceOptions {
  /** Nobody else runs these triggers: whatever another nonce has left open belongs to a dead predecessor. */
  readonly alone: boolean;
  /** Of all triggers of this process. */
  readonly ahead: Ahead;
}

/**
 * One trigger, for one group of functions.
 *
 * Opening takes the record over: ticks that a dead predecessor left open are counted, and a record of another schedule goes
 * on from now. Then one loop runs: sleep until something is due, or nearly, ask the gate for room, claim what there is room
 * for, hand it to `Firing`, which passes it in its second. The clock is asked again at every turn, so that a step of it, or a sleep of the machine, changes what is due
 * and never what was done: what is decided never goes back.
 *
 * Beside the loop outcomes are stored as they come. Other processes do the same with the same record; the compare-and-swap
 * says who claims a tick.
 */
export async function openCronSource(
  subscription: Subscription<CronJobTriggerSpec>,
  context: SourceContext,
  options: CronSourceOptions,
): Promise<Source> {
  const source = new CronSource(subscription, context, options);
  try {
    await source.open();
  } catch (error) {
    await source.close(context.clock.monotonic());
    throw error;
  }
  return source;
}

class CronSource implements Source {
  readonly #subscription: Subscription<CronJobTriggerSpec>;
  readonly #context: SourceContext;
  readonly #options: CronSourceOptions;
  readonly #nonce = randomBytes(9).toString('base64url');
  readonly #schedule: ReturnType<typeof parseSchedule>;
  readonly #makeEvent: ReturnType<typeof eventMaker>;
  readonly #records: RecordStore;
  readonly #books: Books;
  readonly #running: RunningTicks;
  readonly #settlement: Settlement;
  readonly #firing: Firing;
  /** No more claims. */
  readonly #stopping = new AbortController();
  /** Nothing more is stored. */
  readonly #ended = new AbortController();
  readonly #leave: () => void;
  #wake: () => void = () => {};
  /** Ticks from here on waited for room in vain. */
  #heldUp: { readonly from: number; readonly reason: DroppedReason } | undefined;
  /** What was said last of a store that can be reached. */
  #said: string | undefined;
  #loop: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(subscription: Subscription<CronJobTriggerSpec>, context: SourceContext, options: CronSourceOptions) {
    const { spec, trigger } = subscription;
    this.#subscription = subscription;
    this.#context = context;
    this.#options = options;
    this.#schedule = parseSchedule(spec.schedule, spec.timeZone);
    this.#makeEvent = eventMaker(subscription);
    this.#books = new Books(context.account, this.#nonce);
    this.#running = new RunningTicks(this.#nonce);
    this.#records = new RecordStore({
      store: context.store,
      uid: trigger.uid,
      nonce: this.#nonce,
      schedule: this.#schedule.text,
      clock: context.clock,
      ended: this.#ended.signal,
      onRecord: (record) => this.#saw(record),
      onReach: (error) => this.#reach(error),
    });
    this.#settlement = new Settlement({
      records: this.#records,
      running: this.#running,
      books: this.#books,
      functions: subscription.functions,
      makeEvent: this.#makeEvent,
      clock: context.clock,
      signal: this.#ended.signal,
      // Where calls exclude each other, other processes wait for the end of ours.
      pause: () => (subscription.spec.concurrencyPolicy === 'Forbid' ? 0 : options.ahead.behind(this.#nonce)),
      hurry: this.#stopping.signal,
      onChange: () => this.#wake(),
    });
    this.#firing = new Firing({
      subscription,
      context,
      schedule: this.#schedule,
      records: this.#records,
      running: this.#running,
      books: this.#books,
      settlement: this.#settlement,
      makeEvent: this.#makeEvent,
      nonce: this.#nonce,
      signal: this.#ended.signal,
    });
    this.#leave = options.ahead.join();
  }

  async open(): Promise<void> {
    const { signal, report } = this.#context;
    signal.throwIfAborted();
    signal.addEventListener('abort', this.#stop);
    // Nobody can close what is not open yet; and the next one reads the record anyway.
    const giveUp = () => this.#ended.abort();
    signal.addEventListener('abort', giveUp);
    const written = await this.#takeOver().finally(() => signal.removeEventListener('abort', giveUp));
    signal.throwIfAborted();
    // Another spec by now: the controller opens the next one.
    if (written === undefined)
      return report({ type: 'disconnected', reason: 'Changed', message: 'the trigger has changed' });
    this.#reach(undefined);
    this.#loop = this.#run().catch((thrown) => this.#context.fail(asError(thrown)));
  }

  close(deadline: Deadline): Promise<void> {
    this.#closing ??= this.#close(deadline);
    return this.#closing;
  }

  async #close(deadline: Deadline): Promise<void> {
    const { clock, signal } = this.#context;
    this.#stop();
    signal.removeEventListener('abort', this.#stop);
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => this.#ended.abort());
    await this.#loop;
    await this.#firing.stop();
    await this.#settlement.allSettled();
    cancel();
    this.#ended.abort();
    await this.#settlement.close();
    this.#records.close();
    this.#leave();
  }

  #stop = (): void => {
    this.#stopping.abort();
    this.#wake();
  };

  #reach(error: Error | undefined): void {
    this.#said = undefined;
    if (error === undefined) this.#sayState();
    else this.#context.report({ type: 'disconnected', reason: 'StoreUnreachable', message: error.message });
  }

  /** When it is another state than was said before. */
  #sayState(): void {
    const { record } = this.#records;
    const message = record && this.#describe(record);
    if (message === undefined || message === this.#said) return;
    this.#said = message;
    this.#context.report({ type: 'connected', message });
  }

  /** What is wrong is said here too: a clock that was set back silences a trigger until it has caught up. */
  #describe({ decidedThrough }: CronRecord): string {
    const { schedule } = this.#subscription.spec;
    const ahead = decidedThrough - this.#context.clock.now();
    const silence = ahead > 60_000 ? `; the clock was set back: nothing fires before ${iso(decidedThrough)}` : '';
    return `fires ${schedule} in ${this.#schedule.timeZone}${silence}`;
  }

  #takeOver(): Promise<Written | undefined> {
    const { clock } = this.#context;
    const { functions, spec } = this.#subscription;
    let dropped: ClaimAnswer['dropped'] = [];
    let gap: Due['gap'];
    let dead: EndedTick[] = [];
    return this.#records.change(
      { type: 'claim', signal: this.#context.signal },
      (stored) => {
        const now = clock.now();
        dead = this.#running.dead(stored, now, this.#options.alone);
        const isOther = stored.schedule !== this.#schedule.text;
        const record: CronRecord = {
          ...closeTicks(stored, dead),
          schedule: this.#schedule.text,
          decidedThrough: isOther ? Math.max(stored.decidedThrough, now) : stored.decidedThrough,
        };
        [dropped, gap] = [[], undefined];
        if (spec.suspend) return { ...record, suspendedSince: record.suspendedSince ?? now };
        if (record.suspendedSince === undefined) return record;
        const due = suspendedTicks(record, { schedule: this.#schedule, spec, now });
        dropped = due.ticks.filter((each) => each.type === 'drop');
        gap = due.gap;
        return {
          ...record,
          suspendedSince: undefined,
          decidedThrough: Math.max(record.decidedThrough, now),
          counts: withDropped(record.counts, functions, dropped),
        };
      },
      (written) => {
        this.#books.open(written.before, functions);
        this.#books.wrote(written, () => {
          this.#settlement.tell(dead);
          this.#books.dropped(dropped, this.#eventOf);
          if (gap !== undefined) this.#context.account.gap(gap);
        });
      },
    );
  }

  async #run(): Promise<void> {
    const { clock } = this.#context;
    while (!this.#stopping.signal.aborted) {
      await this.#turn();
      if (this.#stopping.signal.aborted) return;
      const ms = this.#wakeAt() - clock.now();
      // A turn of the event loop at least: what is due may have to wait for an answer.
      await this.#sleep(Math.min(Math.max(SHORTEST_SLEEP_MS, ms), LONGEST_SLEEP_MS));
    }
  }

  /** Everything that is due now. */
  async #turn(): Promise<void> {
    const record = this.#records.record;
    if (record === undefined) return;
    if (this.#said !== undefined) this.#sayState();
    const now = this.#context.clock.now();
    const dead = this.#running.dead(record, now, false);
    const isLeaseShort = (this.#running.leaseEnds(record) ?? Number.POSITIVE_INFINITY) <= now;
    if (dead.length > 0 || isLeaseShort) this.#settlement.soon();
    const { ticks, gap } = this.#due(record);
    const runs = Math.min(this.#mayRun(record), runsIn(ticks) + record.requests.length);
    const isExpired = record.requests.some(({ at }) => now - at > this.#deadlineMs);
    if (runs > 0 && !isExpired) return this.#fire(record, ticks, runs);
    if (isExpired || gap !== undefined || ticks[0]?.type === 'drop') await this.#claim(0, undefined);
  }

  async #fire(record: CronRecord, ticks: Due['ticks'], runs: number): Promise<void> {
    const { clock, gate } = this.#context;
    const first = ticks.find(({ type }) => type === 'run')?.tick ?? record.requests[0]?.at ?? clock.now();
    const deadlineMs = this.#deadlineMs;
    const left = deadlineMs - (clock.now() - first);
    const until = clock.monotonic() + Math.max(1, left > 0 ? left + 1 : deadlineMs);
    const room = await roomUnlessStopped(gate, this.#stopping.signal, runs, until);
    if (room === undefined) return;
    let isTaken = false;
    try {
      if (room.size > 0) {
        this.#heldUp = undefined;
        isTaken = await this.#claim(room.size, room);
      } else {
        this.#heldUp = { from: first, reason: room.reason };
        if (room.reason === 'shutdown') await this.#sleep(BLOCKED_MS);
      }
    } finally {
      if (!isTaken) room.release();
    }
  }

  /** Whether ticks were claimed, with which the room has gone. */
  async #claim(size: number, room: Room | undefined): Promise<boolean> {
    const { clock } = this.#context;
    const { functions } = this.#subscription;
    const ask = {
      due: (record: CronRecord) => this.#due(record),
      runs: (record: CronRecord) => Math.min(size, this.#mayRun(record)),
      functions,
      nonce: this.#nonce,
      until: clock.now() + LEASE_MS,
      deadlineMs: this.#deadlineMs,
      now: () => clock.now(),
      makeEvent: this.#makeEvent,
    };
    let [isStored, isTaken] = [false, false];
    await claimTicks(this.#records, this.#stopping.signal, ask, (answer, written) => {
      isStored = true;
      this.#books.wrote(written, () => {
        this.#books.dropped(answer.dropped, this.#eventOf);
        if (answer.gap !== undefined) this.#context.account.gap(answer.gap);
      });
      for (const { key, tick } of answer.claimed) this.#running.claimed(key, tick);
      isTaken = room !== undefined && answer.claimed.length > 0;
      if (room !== undefined) this.#firing.take(answer.claimed, room, written.before);
    });
    // Another process was faster, or the trigger has changed and we are about to be closed.
    if (!isStored) await this.#sleep(LOST_RACE_MS);
    return isTaken;
  }

  #saw(record: CronRecord): void {
    this.#books.saw(record);
    const isReplaced = this.#subscription.spec.concurrencyPolicy === 'Replace' && record.by !== this.#nonce;
    if (isReplaced) this.#running.abortBefore(record.lastClaimedTick ?? 0);
    this.#wake();
  }

  get #deadlineMs(): number {
    return this.#subscription.spec.startingDeadlineSeconds * 1_000;
  }

  #due(record: CronRecord): Due {
    const { spec } = this.#subscription;
    if (spec.suspend) return { ticks: [], gap: undefined };
    const now = this.#context.clock.now();
    const ahead = (tick: number, before: number) => this.#aheadOf(record, tick, before);
    return dueTicks(record, { schedule: this.#schedule, spec, now, heldUp: this.#heldUp, ahead });
  }

  /** `Replace` claims what is due: of a claim other processes learn that they shall give up their call. */
  #aheadOf({ requests }: CronRecord, tick: number, before: number): number {
    if (this.#subscription.spec.concurrencyPolicy === 'Replace' || requests.length > 0) return 0;
    return this.#options.ahead.of(tick, before, this.#nonce);
  }

  #mayRun(record: CronRecord): number {
    if (this.#subscription.spec.concurrencyPolicy !== 'Forbid') return Number.POSITIVE_INFINITY;
    return this.#running.isAnyAlive(record, this.#context.clock.now()) ? 0 : 1;
  }

  /** When there may be something to do next; settled outcomes and other processes wake it before. */
  #wakeAt(): number {
    const { record } = this.#records;
    const now = this.#context.clock.now();
    if (record === undefined) return now + BLOCKED_MS;
    const { decidedThrough } = record;
    const tick = this.#subscription.spec.suspend ? undefined : this.#schedule.next(decidedThrough);
    const next = tick && tick - this.#aheadOf(record, tick, decidedThrough);
    const isBlocked = next !== undefined && next <= now && this.#mayRun(record) === 0;
    const leases = [this.#running.leaseEnds(record), ...this.#running.ends(record)].filter((at) => at !== undefined);
    // A lease that is over already is being written about.
    const byLease = Math.max(now + BLOCKED_MS, Math.min(...leases));
    return Math.min(isBlocked ? now + BLOCKED_MS : (next ?? Number.POSITIVE_INFINITY), byLease);
  }

  /** Ends before its time when there is something to look at; and when the source stops. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopping.signal.aborted) return resolve();
      const wake = () => {
        cancel();
        this.#wake = () => {};
        resolve();
      };
      const cancel: Cancel = this.#context.clock.after(ms, wake);
      this.#wake = wake;
    });
  }

  #eventOf = ({ tick, key = iso(tick) }: DroppedTick): CronEvent =>
    this.#makeEvent({ key, tick, lateness: 0, missed: 0 });
}

const runsIn = (ticks: Due['ticks']): number => ticks.filter(({ type }) => type === 'run').length;
