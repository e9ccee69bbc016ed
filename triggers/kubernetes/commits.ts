import { setImmediate as nextTurn } from 'node:timers/promises';
import { asError, byDeadline, type Cancel, type Clock, type Deadline } from '../../src/sdk.ts';

export interface CommitsOptions {
  /** Stores everything that is decided on when it is called. */
  readonly write: () => Promise<void>;
  /** A write has failed for good: there will be no more. */
  readonly onFailed: (error: Error) => void;
  /** Milliseconds after a write at which the next one is made in any case; undefined: never. */
  readonly atLeastEvery: number | undefined;
  readonly clock: Clock;
}

/** One write at a time; all that is decided on meanwhile shares the next. */
export class Commits {
  readonly #options: CommitsOptions;
  #next: PromiseWithResolvers<void> | undefined;
  #writing: Promise<void> | undefined;
  #due: { readonly at: number; readonly cancel: Cancel } | undefined;
  #failed: Error | undefined;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** Resolves when a write that began after this call is stored. */
  commit(): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    this.#next ??= Promise.withResolvers();
    const { promise } = this.#next;
    this.#writing ??= this.#writeAll();
    return promise;
  }

  /** The same, but waits no longer than that, and does not say whether it was stored. */
  async by(deadline: Deadline): Promise<void> {
    const stored = this.commit().catch(() => {});
    await byDeadline(this.#options.clock, deadline, stored);
  }

  /** The same within so many milliseconds, by itself. */
  within(ms: number): void {
    const { clock } = this.#options;
    const at = clock.monotonic() + ms;
    if (this.#failed !== undefined || (this.#due !== undefined && this.#due.at <= at)) return;
    this.#due?.cancel();
    const cancel = clock.after(ms, () => {
      this.#due = undefined;
      this.commit().catch(() => {});
    });
    this.#due = { at, cancel };
  }

  /** Nothing is written any more. Resolves when no write is under way. */
  async close(): Promise<void> {
    this.#fail(new Error('closed'));
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Whoever else decides in this turn comes along.
    await nextTurn();
    while (this.#next !== undefined) {
      const next = this.#next;
      this.#next = undefined;
      this.#due?.cancel();
      this.#due = undefined;
      try {
        await this.#options.write();
        next.resolve();
      } catch (thrown) {
        const error = asError(thrown);
        next.promise.catch(() => {});
        next.reject(error);
        if (this.#failed === undefined) this.#options.onFailed(error);
        this.#fail(error);
      }
      const { atLeastEvery } = this.#options;
      if (atLeastEvery !== undefined) this.within(atLeastEvery);
    }
    this.#writing = undefined;
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#due?.cancel();
    this.#due = undefined;
    this.#next?.promise.catch(() => {});
    this.#next?.reject(error);
    this.#next = undefined;
  }
}
