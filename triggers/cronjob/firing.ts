import {
  type Cancel,
  type DroppedReason,
  type Room,
  type SourceContext,
  type Subscription,
  TrigateError,
} from '../../src/sdk.ts';
import { MOST_AHEAD_MS } from './ahead.ts';
import type { Books } from './books.ts';
import { type ClaimedTick, eventsOf, openClaim, withoutClaim } from './claim.ts';
import type { CronEvent, TickFacts } from './event.ts';
import type { CronRecord, OpenTick } from './record.ts';
import type { RecordStore } from './record-store.ts';
import type { RunningTicks } from './running.ts';
import type { Schedule } from './schedule/schedule.ts';
import type { Settlement } from './settlement.ts';
import type { CronJobTriggerSpec } from './spec.ts';

export interface FiringOptions {
  readonly subscription: Subscription<CronJobTriggerSpec>;
  readonly context: SourceContext;
  readonly schedule: Schedule;
  readonly records: RecordStore;
  readonly running: RunningTicks;
  readonly books: Books;
  readonly settlement: Settlement;
  readonly makeEvent: (facts: TickFacts) => CronEvent;
  /** Names this owner in its claims. */
  readonly nonce: string;
  /** Aborts when nothing more may be stored. */
  readonly signal: AbortSignal;
}

/** A tick that was claimed ahead, and the room that was reserved for it. */
interface Held {
  readonly tick: ClaimedTick;
  readonly room: Room;
  /** The record before the claim. */
  readonly before: CronRecord;
  cancel: Cancel;
}

/**
 * From the claim to the call. What is due is passed at once; a tick that was claimed ahead is held until its second has come.
 *
 * Much can happen between the two, so everything is looked at again then: too late (the process was frozen, the clock
 * was set) is `dropped(expired)`; where the trigger has been edited, the process stops, or the clock was set back, the claim
 * is given back, so that whoever comes next can make it, under the spec that stands then. One that cannot be given back,
 * because something behind it is decided already, is dropped, and counted.
 */
export class Firing {
  readonly #options: FiringOptions;
  readonly #held = new Set<Held>();
  readonly #returning = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: FiringOptions) {
    this.#options = options;
  }

  /** @param claimed in one write: ticks that are due, or one that is ahead */
  take(claimed: readonly ClaimedTick[], room: Room, before: CronRecord): void {
    const [first] = claimed;
    if (first === undefined) return;
    if (!first.isAhead) {
      this.#pass(claimed, room);
      return;
    }
    const held: Held = { tick: first, room, before, cancel: () => {} };
    this.#held.add(held);
    this.#await(held);
  }

  /** Nothing is passed any more. Resolves when what is held is given back, or counted. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const held of [...this.#held]) this.#giveBack(held);
    await Promise.all(this.#returning);
  }

  /** Until the wall clock shows its second, which may be sooner or later than it seemed. */
  #await(held: Held): void {
    const { clock } = this.#options.context;
    const left = held.tick.tick - clock.now();
    if (this.#isStopped || left > MOST_AHEAD_MS || !this.#options.records.isCurrent) this.#giveBack(held);
    else if (left > 0) held.cancel = clock.after(Math.max(1, left), () => this.#await(held));
    else {
      this.#held.delete(held);
      this.#pass([held.tick], held.room);
    }
  }

  #giveBack(held: Held): void {
    held.cancel();
    held.room.release();
    this.#held.delete(held);
    const returning = this.#store(held).finally(() => this.#returning.delete(returning));
    this.#returning.add(returning);
  }

  async #store({ tick, before }: Held): Promise<void> {
    const { records, running, books, context, nonce, signal } = this.#options;
    try {
      const written = await records.change(
        { type: 'settle', signal },
        (record) => withoutClaim(record, tick, nonce, before, context.clock.now()),
        (stored) => {
          running.gaveBack(tick.key);
          books.wrote(stored, () => {});
        },
      );
      if (written !== undefined) return;
      if (this.#openClaim(tick) !== undefined) this.#unsent(tick, this.#isStopped ? 'shutdown' : 'missed');
      // It was given back by a write whose answer was lost, or counted by who took us for dead.
      else running.gaveBack(tick.key);
    } catch (thrown) {
      // The object is gone, and its counts with it. In doubt: whoever reads the record next finds the tick open, or free.
      const isGone = thrown instanceof TrigateError && ['NOT_FOUND', 'CLAIM_IN_DOUBT'].includes(thrown.code);
      if (isGone) running.gaveBack(tick.key);
      else this.#unsent(tick, 'shutdown');
    }
  }

  /** The claim may have taken its time, and the process may have slept since: what comes too late is counted instead. */
  #pass(claimed: readonly ClaimedTick[], room: Room): void {
    const { subscription, context, running, settlement, makeEvent } = this.#options;
    const onTime = claimed.filter((tick) => {
      const reason = this.#whyNot(tick);
      if (reason !== undefined) this.#unsent(tick, reason);
      return reason === undefined;
    });
    const [first] = onTime;
    if (first === undefined) {
      room.release();
      return;
    }
    context.account.read(onTime.length);
    if (subscription.spec.concurrencyPolicy === 'Replace') running.abortBefore(first.tick);
    const events = eventsOf(onTime, makeEvent, context.clock.now());
    const keys = new Map(events.map(({ id }, i) => [id, onTime[i]?.key ?? '']));
    const passage = room.pass(events, (event, outcomes) => {
      running.finished(keys.get(event.id) ?? '', outcomes);
      settlement.soon();
    });
    for (const { key } of onTime) running.passed(key, passage);
  }

  #whyNot(tick: ClaimedTick): DroppedReason | undefined {
    if (this.#isStopped) return 'shutdown';
    const now = this.#options.context.clock.now();
    const stored = this.#openClaim(tick);
    // Others may take us for dead, or have done so, and have counted it.
    if (stored === undefined || stored.until <= now) return 'expired';
    const isOnTime = now - tick.tick <= this.#options.subscription.spec.startingDeadlineSeconds * 1_000;
    return tick.late || isOnTime || this.#isCaughtUp(tick, now) ? undefined : 'expired';
  }

  /** As far as is known here. */
  #openClaim({ key }: ClaimedTick): OpenTick | undefined {
    const { records, nonce } = this.#options;
    return records.record && openClaim(records.record, key, nonce);
  }

  /** `missed`, for a tick that became late after it had been claimed. */
  #isCaughtUp({ tick }: ClaimedTick, now: number): boolean {
    const { missed } = this.#options.subscription.spec;
    switch (missed) {
      case 'skip':
        return false;
      case 'one':
        return (this.#options.schedule.next(tick) ?? Number.POSITIVE_INFINITY) > now;
      case 'all':
        return true;
      default:
        return missed satisfies never;
    }
  }

  #unsent(tick: ClaimedTick, reason: DroppedReason): void {
    const { subscription, running, books, settlement, makeEvent } = this.#options;
    const outcome = { type: 'dropped', reason } as const;
    books.unsent(makeEvent({ ...tick, lateness: 0 }), subscription.functions, outcome);
    running.finished(
      tick.key,
      subscription.functions.map(() => outcome),
    );
    settlement.soon();
  }
}
