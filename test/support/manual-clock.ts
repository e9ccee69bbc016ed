import type { Cancel, Clock } from '../../src/domain/clock.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(start = Date.UTC(2027, 0, 31, 12)) {
    this.#now = start;
  }

  now(): number {
    return this.#now + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** Timers that have not gone off. */
  get pending(): number {
    return this.#timers.size;
  }

  after(ms: number, callback: () => void): Cancel {
    const timer = { at: this.#elapsed + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on; timers that fall into it go off in order, each at its own time. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.callback();
    }
    this.#elapsed = end;
  }
}
