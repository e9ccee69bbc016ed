import { type Cancel, type Clock, type Progress, TrigateError } from '../../../src/sdk.ts';
import type { ConsumerFacts } from './api.ts';

/** A consumer of which nothing was heard for so long is asked, also while nothing may be pulled. */
const ASK_EVERY_MS = 10_000;

export interface ProgressOptions {
  /** `stream/consumer`. */
  readonly name: string;
  readonly clock: Clock;
  readonly isPaused: boolean;
  readonly askEvery?: number | undefined;
  /** Rejects with a TrigateError when the consumer is gone, or another one; otherwise when the server does not answer. */
  readonly ask: () => Promise<ConsumerFacts>;
  readonly unsettled: () => number;
  readonly redelivered: () => number;
}

/**
 * How far a source of JetStream is. Each delivery says how many events wait behind it, so while events come nobody has to be
 * asked; else the server is, now and then.
 *
 * It has moved when a delivery came, and when the server said that none waits; that a request for events ended without one says
 * neither. It is held while it is paused, waits for room or for its window, has no connection (which shows by itself),
 * or while its members together have as much pending as the consumer may (`max_ack_pending`).
 */
export class JetStreamProgress {
  /** The consumer is gone, or another one: also one that pulls nothing finds out. */
  onGone: (error: TrigateError) => void = () => {};
  readonly #options: ProgressOptions;
  #waiting: number | undefined;
  #movedAt: number;
  #toldAt: number;
  #holds = 0;
  #isFull = false;
  #isStopped = false;
  #cancel: Cancel = () => {};

  /** @param facts as they are at the opening */
  constructor(options: ProgressOptions, facts: ConsumerFacts) {
    this.#options = options;
    this.#movedAt = this.#toldAt = options.clock.monotonic();
    this.told(facts);
  }

  /** Asks from now on, where nobody tells. */
  start(): void {
    const { askEvery = ASK_EVERY_MS, clock } = this.#options;
    const ask = async () => {
      const until = this.#toldAt + askEvery - clock.monotonic();
      if (until <= 0) await this.#ask();
      if (!this.#isStopped) this.#cancel = clock.after(until > 0 ? until : askEvery, () => void ask());
    };
    void ask();
  }

  async #ask(): Promise<void> {
    try {
      this.told(await this.#options.ask());
    } catch (thrown) {
      if (thrown instanceof TrigateError && !this.#isStopped) this.onGone(thrown);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** Deliveries came. @param waiting events behind the last of them */
  delivered(waiting: number): void {
    this.#tell(waiting);
    this.#isFull = false;
    this.#movedAt = this.#toldAt;
  }

  told({ waiting, ackPending, settings }: ConsumerFacts): void {
    this.#tell(waiting);
    this.#isFull = ackPending >= settings.maxAckPending;
    if (waiting === 0) this.#movedAt = this.#toldAt;
  }

  /** It waits by intention until that is over. */
  async held<T>(wait: Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await wait;
    } finally {
      this.#holds--;
    }
  }

  progress(): Progress {
    const { name, isPaused, unsettled, redelivered } = this.#options;
    return {
      parts: [{ name, lag: this.#waiting, unsettled: unsettled(), redelivered: redelivered() }],
      movedAt: this.#movedAt,
      held: isPaused || this.#isFull || this.#holds > 0,
      rebalances: 0,
    };
  }

  #tell(waiting: number): void {
    this.#waiting = waiting;
    this.#toldAt = this.#options.clock.monotonic();
  }
}
