const WINDOW_MS = 250;
/** Weight of the newest call in the moving mean of durations. */
const NEWEST = 0.1;

/**
 * How many calls a function ends in a second: the lesser of what was counted over the last two windows and what mean
 * duration and mean number of calls at a time allow (many slow calls may end in one moment). Zero before the first call,
 * and when none ended lately.
 */
export class Throughput {
  readonly #limit: number;
  #windowStart = 0;
  #current = 0;
  #previous = 0;
  #meanMs = 0;
  #meanActive = 0;

  /** @param limit it is never more than that */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** Milliseconds that a call takes; 0 before the first has ended. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /**
   * @param ms how long the call took
   * @param active how many were under way when it ended, itself included
   */
  count(now: number, ms: number, active: number): void {
    this.#turn(now);
    this.#current++;
    const weight = this.#meanMs === 0 ? 1 : NEWEST;
    this.#meanMs += weight * (ms - this.#meanMs);
    this.#meanActive += weight * (active - this.#meanActive);
  }

  perSecond(now: number): number {
    this.#turn(now);
    const counted =
      (1000 * (this.#current + this.#previous)) / (WINDOW_MS + (this.#previous > 0 ? now - this.#windowStart : 0));
    return Math.min(this.#limit, counted, (1000 * this.#meanActive) / Math.max(this.#meanMs, 0.01));
  }

  #turn(now: number): void {
    const elapsed = now - this.#windowStart;
    if (elapsed < WINDOW_MS) return;
    const adjacent = elapsed < 2 * WINDOW_MS;
    this.#previous = adjacent ? this.#current : 0;
    this.#windowStart = adjacent ? this.#windowStart + WINDOW_MS : now;
    this.#current = 0;
  }
}
