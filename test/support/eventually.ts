import { inspect } from 'node:util';

/** What a probe may answer to say "not yet". */
export type NotYet = undefined | null | false;

/**
 * Polls until the probe answers something other than undefined, null or false, and answers that. A probe that throws
 * has not answered yet. Rejects after `within` ms with the last value or error.
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { readonly within?: number; readonly every?: number } = {},
): Promise<Exclude<T, NotYet>> {
  const { within = 10_000, every = 20 } = options;
  const deadline = performance.now() + within;
  for (;;) {
    const last = await attempt(probe);
    if ('value' in last && isAnswer(last.value)) return last.value;
    if (performance.now() >= deadline) {
      const seen = 'value' in last ? `last value: ${inspect(last.value, { depth: 4, breakLength: 120 })}` : 'see cause';
      throw new Error(`Not within ${within} ms: ${what}; ${seen}`, 'error' in last ? { cause: last.error } : undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

async function attempt<T>(probe: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await probe() };
  } catch (error) {
    return { error };
  }
}

const isAnswer = <T>(value: T): value is Exclude<T, NotYet> => value !== undefined && value !== null && value !== false;

/** Rejects with `what` when the promise does not settle within that many ms. */
export function inTime<T>(what: string | (() => string), promise: Promise<T>, within: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`Not within ${within} ms: ${typeof what === 'string' ? what : what()}`));
  }, within);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
