import { type Clock, delay, TrigateError } from '../../src/sdk.ts';
import { type Books, closeTicks, type EndedTick } from './books.ts';
import type { CronEvent, TickFacts } from './event.ts';
import type { CronRecord } from './record.ts';
import type { RecordStore } from './record-store.ts';
import type { RunningTicks } from './running.ts';

const RETRY_MS = 1_000;

export interface SettlementOptions {
  readonly records: RecordStore;
  readonly running: RunningTicks;
  readonly books: Books;
  readonly functions: readonly string[];
  readonly makeEvent: (facts: TickFacts) => CronEvent;
  readonly clock: Clock;
  /** Aborts when nothing more may be stored. */
  readonly signal: AbortSignal;
  /** Milliseconds to wait before a write; whatever ends meanwhile shares it. */
  readonly pause: () => number;
  /** Aborts when there is no time to wait. */
  readonly hurry: AbortSignal;
  /** A call has ended, or something was stored. */
  readonly onChange: () => void;
}

/** Stores what came of claimed ticks, moves leases on, and counts the ticks of owners that have fallen silent. */
export class Settlement {
  readonly #options: SettlementOptions;
  #isWanted = false;
  #working: Promise<void> | undefined;
  #onWorked: () => void = () => {};

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** There is something to store. Outcomes that come while one write is under way share the next. */
  soon(): void {
    this.#isWanted = true;
    this.#options.onChange();
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      this.#options.onChange();
      this.#onWorked();
      // It may have been wanted between the last look and this turn.
      if (this.#isWanted && !this.#options.signal.aborted) this.soon();
    });
  }

  /** Resolves when every claimed tick has its outcome stored, or when the signal aborts. */
  allSettled(): Promise<void> {
    const { running, signal } = this.#options;
    return new Promise((resolve) => {
      const check = () => {
        if (running.size > 0 && !signal.aborted) return;
        signal.removeEventListener('abort', check);
        this.#onWorked = () => {};
        resolve();
      };
      this.#onWorked = check;
      signal.addEventListener('abort', check);
      check();
    });
  }

  async close(): Promise<void> {
    await this.#working;
  }

  /** Says to the account what came of dead ticks, one by one. */
  tell(dead: readonly EndedTick[]): void {
    const { books, makeEvent } = this.#options;
    for (const { tick, outcomes } of dead) {
      const event = makeEvent({ key: tick.key, tick: tick.tick, lateness: 0, missed: 0 });
      tick.functions.forEach((name, i) => {
        const outcome = outcomes[i];
        if (outcome !== undefined) books.unsent(event, [name], outcome);
      });
    }
  }

  /** Goes on trying while the API server is away. */
  async #work(): Promise<void> {
    const { running, clock, signal, pause, hurry } = this.#options;
    while (this.#isWanted && !signal.aborted) {
      await delay(clock, pause(), hurry);
      this.#isWanted = false;
      try {
        await this.#settle();
      } catch (thrown) {
        if (thrown instanceof TrigateError && thrown.code === 'NOT_FOUND') {
          running.forgetFinished();
          continue;
        }
        this.#isWanted = true;
        await delay(clock, RETRY_MS, signal);
      }
    }
  }

  async #settle(): Promise<void> {
    const { records, running, books, clock, signal } = this.#options;
    let dead: EndedTick[] = [];
    const written = await records.change(
      { type: 'settle', signal },
      (record) => {
        dead = running.dead(record, clock.now(), false);
        const closed = closeTicks(record, dead);
        return running.settle(closed, clock.now()) ?? (dead.length > 0 ? closed : undefined);
      },
      (stored) => {
        books.wrote(stored, () => this.tell(dead));
        this.#forget(stored.after, stored.before);
      },
    );
    const { record } = records;
    if (written === undefined && record !== undefined) this.#forget(record, undefined);
  }

  #forget(record: CronRecord, before: CronRecord | undefined): void {
    const { running, books, functions } = this.#options;
    for (const outcomes of running.forget(record, before)) books.notOurs(functions, outcomes);
  }
}
