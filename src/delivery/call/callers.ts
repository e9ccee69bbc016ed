import type { CallerOptions, PoolFactory } from './call.ts';
import { httpCaller } from './http1/caller.ts';
import { undiciCaller } from './undici.ts';

/** Who makes the calls. `http1` is ours, for plain HTTP; what it is not made for (TLS) undici does under both names. */
export type CallerName = 'http1' | 'undici';

/** Forbids no address: for a gateway that calls what its operator wrote down. */
export const anyAddress = (): boolean => false;

export function callers(name: CallerName, options: CallerOptions): PoolFactory {
  const undici = undiciCaller(options);
  if (name === 'undici') return undici;
  const http1 = httpCaller(options);
  return (origin, connections) => (origin.startsWith('http:') ? http1 : undici)(origin, connections);
}
