import type { Clock } from '../../src/sdk.ts';

/** Those who wait for something to happen, each for as long as it likes. Nobody is left behind whose time is up. */
export class Wakeups {
  readonly #waiting = new Set<() => void>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Resolves at the next `wake`, or after `ms`. */
  wait(clock: Clock, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const cancel = clock.after(ms, wake);
      this.#waiting.add(wake);
    });
  }

  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
