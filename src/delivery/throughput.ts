const WINDOW_MS = 250;
/** Weight of the newest call in the moving mean of durations. */
const NEWEST = 0.1;

/**
 * How many calls a function ends in a second: the lesser of what was counted over the last two windows (a hot key counts
 * few, whatever the concurrency) and what the mean duration allows (many slow calls may end in one moment). Zero before
 * the first call, and when none ended lately.
 */
export class Throughput {
  readonly #concurrency: number;
  #windowStart = 0;
  #current = 0;
  #previous = 0;
  #meanMs = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** @param ms how long the call took */
  count(now: number, ms: number): void {
    this.#turn(now);
    this.#current++;
    this.#meanMs = this.#meanMs === 0 ? ms : this.#meanMs + NEWEST * (ms - this.#meanMs);
  }

  perSecond(now: number): number {
    this.#turn(now);
    const counted =
      (1000 * (this.#current + this.#previous)) / (WINDOW_MS + (this.#previous > 0 ? now - this.#windowStart : 0));
    return Math.min(counted, (1000 * this.#concurrency) / Math.max(this.#meanMs, 0.01));
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
