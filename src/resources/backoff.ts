import { ResourceError } from './resource-error.ts';

/** How long to wait before trying again, growing with every failure in a row. */
export interface Backoff {
  /** Milliseconds to wait after one more failure: half of the step is certain, half is random. */
  next(): number;
  /** It worked: the next failure is the first one again. */
  reset(): void;
}

/** @param random from 0 to below 1: many clients that lost the same server must not come back all at once */
export function createBackoff(options: { first: number; longest: number; random: () => number }): Backoff {
  let failures = 0;
  return {
    next() {
      const step = Math.min(options.longest, options.first * 2 ** Math.min(failures++, 30));
      return step / 2 + (options.random() * step) / 2;
    },
    reset() {
      failures = 0;
    },
  };
}

/** Milliseconds to wait after a failure: never less than the `Retry-After` that came with it. */
export function pauseAfter(error: unknown, backoff: Backoff): number {
  const asked = error instanceof ResourceError ? (error.retryAfter ?? 0) : 0;
  return Math.max(asked, backoff.next());
}
