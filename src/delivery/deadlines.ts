import type { Cancel, Clock } from '../domain/clock.ts';

/** What can stand in a `DeadlineList`: in one at a time. */
export interface Timed {
  previousTimed: Timed | null;
  nextTimed: Timed | null;
  /** The list that it stands in. */
  timedIn: object | null;
  /** On the monotonic clock. */
  deadline: number;
}

/**
 * Items that are given the same time each, so that they expire in the order in which they were added. A linked list and
 * one timer for all of them: adding and removing cost nothing but pointers, which matters because every event does both
 * twice. The timer is armed for the head and, when the head has gone in time, for the next one.
 */
export class DeadlineList<T extends Timed> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #expire: (item: T) => void;
  #first: T | null = null;
  #last: T | null = null;
  #timer: Cancel | undefined;

  /** @param expire is called for each item whose time is over; it is out of the list by then */
  constructor(clock: Clock, ms: number, expire: (item: T) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#expire = expire;
  }

  add(item: T, now: number): void {
    item.deadline = now + this.#ms;
    item.previousTimed = this.#last;
    item.nextTimed = null;
    item.timedIn = this;
    if (this.#last === null) this.#first = item;
    else this.#last.nextTimed = item;
    this.#last = item;
    if (this.#timer === undefined) this.#arm(this.#ms);
  }

  /** Harmless for an item that is not in this list. */
  remove(item: T): void {
    if (item.timedIn !== this) return;
    item.timedIn = null;
    const previousTimed = item.previousTimed as T | null;
    const nextTimed = item.nextTimed as T | null;
    if (previousTimed === null) this.#first = nextTimed;
    else previousTimed.nextTimed = nextTimed;
    if (nextTimed === null) this.#last = previousTimed;
    else nextTimed.previousTimed = previousTimed;
    item.previousTimed = null;
    item.nextTimed = null;
  }

  /** Every item, oldest first; each may remove itself. */
  forEach(visit: (item: T) => void): void {
    for (let item = this.#first; item !== null; ) {
      const next = item.nextTimed as T | null;
      visit(item);
      item = next;
    }
  }

  close(): void {
    this.#timer?.();
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.after(Math.max(1, ms), () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    while (this.#first !== null && this.#first.deadline <= now) {
      const item = this.#first;
      this.remove(item);
      this.#expire(item);
    }
    if (this.#first !== null && this.#timer === undefined) this.#arm(this.#first.deadline - now);
  }
}
