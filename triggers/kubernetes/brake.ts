import { type Clock, delay } from '../../src/sdk.ts';

/** An API server remembers the last 75 s at least, in memory (`eventFreshDuration` of its watch cache). */
const MOST_MS = 30_000;
/** What comes back of it in the time in which nothing presses. */
const SHARE = 1 / 4;
/** Readers that do not get on in that time are slow. */
const SLOW_MS = 500;

export interface BrakeOptions {
  /** What is read next would cost changes that everybody still wants to read. */
  readonly isPressed: () => boolean;
  /** Changes that even the fastest reader has yet to decide on. */
  readonly lag: () => number;
  /** So many of them it must decide on in half a second, or it is slow. */
  readonly pace: number;
  readonly clock: Clock;
}

/**
 * Lets the stream wait for its readers. After a restart an API server tells of minutes in a second: functions that keep up
 * well with what happens would lose most of it.
 *
 * It waits only while all readers are busy with what is there already, so it holds up nobody. And only for readers that get
 * on: what is not read the API server forgets some time, and a gap says less than changes that were dropped and counted.
 */
export class Brake {
  readonly #options: BrakeOptions;
  /** Milliseconds for which it may still wait. */
  #left = MOST_MS;
  #readAt: number;
  #relief: AbortController | undefined;

  constructor(options: BrakeOptions) {
    this.#options = options;
    this.#readAt = options.clock.monotonic();
  }

  /** Call it for each change that was read. Undefined: read on. */
  hold(signal: AbortSignal): Promise<void> | undefined {
    const { isPressed, clock } = this.#options;
    const now = clock.monotonic();
    const mustWait = isPressed();
    if (!mustWait) this.#left = Math.min(MOST_MS, this.#left + (now - this.#readAt) * SHARE);
    this.#readAt = now;
    return mustWait && this.#left > 0 ? this.#wait(signal) : undefined;
  }

  /** A reader has moved on. */
  look(): void {
    if (this.#relief !== undefined && !this.#options.isPressed()) this.#relief.abort();
  }

  async #wait(given: AbortSignal): Promise<void> {
    const { clock, lag, pace } = this.#options;
    this.#relief = new AbortController();
    const signal = AbortSignal.any([given, this.#relief.signal]);
    while (this.#left > 0 && !signal.aborted) {
      const before = lag();
      await delay(clock, Math.min(this.#left, SLOW_MS), signal);
      const now = clock.monotonic();
      this.#left -= now - this.#readAt;
      this.#readAt = now;
      if (!signal.aborted && before - lag() < pace) this.#left = 0;
    }
    this.#relief = undefined;
  }
}
