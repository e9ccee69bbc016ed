import type { Cancel, Clock } from '../../src/sdk.ts';

/*
 * When a claim may leave.
 *
 * Kafka appends the commits that come within `group.coordinator.append.linger.ms` (4.0 and later: 5) of the first of them
 * together, and answers them together. It serves a connection one request at a time, so a second commit joins the first
 * only on a connection of its own, and never for the same partition: of two that overtake each other the older would
 * stand.
 *
 *   one out     those who come wait. When it has been out for JOIN_AFTER_MS without an answer, the broker is collecting, or
 *               far away: another may leave, if it has a connection, and is answered with it, in half of the time.
 *   two out     those who come wait.
 *   none out    who comes may leave. Where the broker collects, only the first of those who wait may: the others take along
 *               what comes for them until they join it. Where it answers sooner there is never a second one.
 */

export const JOIN_AFTER_MS = 3;
const MOST_OUT = 2;

/** One request that was sent, until `answered`. */
export interface Departure {
  readonly at: number;
  readonly isFirst: boolean;
}

export class Pacing {
  readonly #clock: Clock;
  readonly #canJoin: () => boolean;
  readonly #out = new Set<Departure>();
  /** In the order in which they came. */
  readonly #waiting: (() => void)[] = [];
  #isCollecting = false;
  /** Those whose claims were answered are still to say whether they have more. */
  #isComing = false;
  #timer: Cancel | undefined;

  /** @param canJoin whether a second request has a connection of its own */
  constructor(clock: Clock, canJoin: () => boolean) {
    this.#clock = clock;
    this.#canJoin = canJoin;
  }

  /** The broker lets commits wait: the last request that had nothing to join was out for long. */
  get isCollecting(): boolean {
    return this.#isCollecting;
  }

  /** Whether another request may leave now. */
  get mayLeave(): boolean {
    if (this.#out.size === 0) return true;
    return this.#out.size < MOST_OUT && this.#joinsIn() <= 0 && this.#canJoin();
  }

  /** Resolves when a claim would leave at once, or with the next request. */
  turn(): Promise<void> {
    if (this.mayLeave && !this.#isComing && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isComing) this.#lookAgain();
    });
  }

  sent(): Departure {
    const departure = { at: this.#clock.monotonic(), isFirst: this.#out.size === 0 };
    this.#out.add(departure);
    this.#lookAgain();
    return departure;
  }

  answered(departure: Departure): void {
    this.#out.delete(departure);
    if (departure.isFirst) this.#isCollecting = this.#clock.monotonic() - departure.at >= JOIN_AFTER_MS;
    if (!this.#isCollecting) this.#admit();
    else if (!this.#isComing) this.#admitSoon();
  }

  /** Once all who wait are there: who was answered passes its events on, and comes again. */
  #admitSoon(): void {
    this.#isComing = true;
    setImmediate(() => {
      this.#isComing = false;
      this.#admit();
    });
  }

  #admit(): void {
    if (!this.mayLeave) {
      this.#lookAgain();
      return;
    }
    const isSplit = this.#out.size === 0 && this.#isCollecting && this.#canJoin();
    const count = isSplit ? 1 : this.#waiting.length;
    for (const go of this.#waiting.splice(0, count)) go();
    if (this.#waiting.length > 0) this.#admitIn(JOIN_AFTER_MS);
  }

  /** Whoever is not admitted by an answer is by time, as long as there is one to wait for. */
  #lookAgain(): void {
    const ms = this.#joinsIn();
    if (this.#waiting.length > 0 && this.#out.size === 1 && ms > 0) this.#admitIn(ms);
  }

  #admitIn(ms: number): void {
    this.#timer?.();
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      // Who was admitted first may have had nothing to send after all.
      for (const go of this.mayLeave ? this.#waiting.splice(0) : []) go();
      this.#lookAgain();
    });
  }

  /** Milliseconds until the one that is out can be joined. */
  #joinsIn(): number {
    const [first] = this.#out;
    return first === undefined ? 0 : first.at + JOIN_AFTER_MS - this.#clock.monotonic();
  }
}
