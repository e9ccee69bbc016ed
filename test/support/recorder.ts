import { inTime } from './eventually.ts';
import type { Behaviour, ReadBody, Recorded } from './function-server.ts';
import { type FunctionServer, hostFunction } from './function-server.ts';

/** Functions over HTTP, each on a port of its own, and every request that they got. */
export interface Recorder extends AsyncDisposable {
  /** In the order of arrival. */
  readonly records: readonly Recorded[];
  /** The address of a function. */
  url(name: string): string;
  /** Requests that one function got. */
  of(name: string): readonly Recorded[];
  /** How many different (function, event id) have come. */
  distinct(): number;
  /** What a function does from now on; at first it answers 200. */
  behave(name: string, behaviour: Behaviour | ((request: Recorded) => Behaviour)): void;
  /** Resets what is open and refuses connections; `up` listens on the same port again. */
  down(name: string): Promise<void>;
  up(name: string): Promise<void>;
  /**
   * Resolves when the predicate is true; asked now and after each request, so keep it cheap.
   * Rejects after `within` ms (default 30,000) with the number of requests so far.
   */
  waitFor(what: string, predicate: (recorder: Recorder) => boolean, within?: number): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts one server for each function.
 * @param host address to listen on. Default: 127.0.0.1
 * @param read what `body` is. Default: the bytes as text
 */
export async function startRecorder<Name extends string>(
  names: readonly Name[],
  host?: string,
  read?: ReadBody,
): Promise<Recorder> {
  const records: Recorded[] = [];
  const byFunction = new Map<string, Recorded[]>(names.map((name) => [name, []]));
  const different = new Set<string>();
  const waiting = new Set<() => void>();

  const observer = {
    arrived(request: Recorded) {
      records.push(request);
      byFunction.get(request.function)?.push(request);
      different.add(`${request.function} ${request.eventId}`);
    },
    ended() {
      for (const check of waiting) check();
    },
  };
  const servers = new Map<string, FunctionServer>();
  for (const name of names) servers.set(name, await hostFunction(name, observer, host, read));

  const server = (name: string): FunctionServer => {
    const found = servers.get(name);
    if (found === undefined) throw new Error(`The recorder has no function ${name}, only ${names.join(', ')}`);
    return found;
  };
  const close = async () => {
    await Promise.all([...servers.values()].map((each) => each.down()));
  };

  const recorder: Recorder = {
    records,
    url: (name) => server(name).url,
    of: (name) => byFunction.get(server(name).name) ?? [],
    distinct: () => different.size,
    behave: (name, behaviour) => server(name).behave(behaviour),
    down: (name) => server(name).down(),
    up: (name) => server(name).up(),
    async waitFor(what, predicate, within = 30_000) {
      if (predicate(recorder)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const check = () => predicate(recorder) && resolve();
      waiting.add(check);
      await inTime(() => `${what}; ${progress(byFunction)}`, promise, within).finally(() => waiting.delete(check));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return recorder;
}

const progress = (byFunction: ReadonlyMap<string, readonly Recorded[]>): string =>
  `requests so far: ${[...byFunction].map(([name, got]) => `${name} ${got.length}`).join(', ')}`;
