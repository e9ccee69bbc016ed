import { performance } from 'node:perf_hooks';

/** Time as the program sees it; tests put their own in its place. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: for people and for schedules. */
  now(): number;
  /** Milliseconds that never go back: for durations and deadlines. */
  monotonic(): number;
  /** Calls back once after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): Cancel;
}

export type Cancel = () => void;

/** A moment on the monotonic clock. */
export type Deadline = number;

/** Node.js lets a timer that is longer than 24.8 days end after 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `performance` is imported: the global one is looked up each time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    if (ms > LONGEST_TIMER_MS) return afterLong(ms, callback);
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

function afterLong(ms: number, callback: () => void): Cancel {
  let cancel = systemClock.after(LONGEST_TIMER_MS, () => {
    cancel = systemClock.after(ms - LONGEST_TIMER_MS, callback);
  });
  return () => cancel();
}

/** Waits for `work`, until the deadline at most; false when that came first. Rejects as `work` does before it. */
export async function byDeadline(clock: Clock, deadline: Deadline, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => late.resolve(false));
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    cancel();
  }
}

/** Resolves after `ms`, or at once when `signal` aborts. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal?.addEventListener('abort', finish);
  });
}
