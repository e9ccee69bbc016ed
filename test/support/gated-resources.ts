import { TrigateError } from '../../src/domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../../src/domain/resource.ts';
import { ResourceError } from '../../src/resources/resource-error.ts';
import type { Resources, WatchOptions } from '../../src/resources/resources.ts';

/** A client whose way to the API server a test can cut. */
export interface GatedResources {
  readonly resources: Resources;
  /** Watches that were asked for. */
  readonly watches: number;
  /** Of those, streaming lists that the server took. */
  readonly streams: number;
  /** Ends the watches and refuses everything until `open`. */
  cut(): void;
  open(): void;
  /** Does what is asked, and loses the answer: of so many writes of a status. */
  loseAnswers(writes: number): void;
  /** Writes of checkpoints wait until `letGo`. */
  hold(): void;
  letGo(): void;
  /** How many wait. */
  readonly waiting: number;
}

/** As kube-apiserver says it without the feature gate WatchList. */
const REFUSED =
  'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';

const away = (): TrigateError =>
  new TrigateError('GATEWAY_UNREACHABLE', 'Cannot reach the API server: it was cut off.');

/** @param server what it can do, where that is not what the real one can */
export function gated(
  real: Resources,
  server: { readonly minor?: number; readonly streams?: boolean } = {},
): GatedResources {
  const { minor } = server;
  let streams = 0;
  let cutting = new AbortController();
  let lost = 0;
  let held: PromiseWithResolvers<void> | undefined;
  let waiting = 0;
  let watches = 0;
  const through = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (cutting.signal.aborted) throw away();
    return work();
  };
  const resources: Resources = {
    ...real,
    list: (type, options) => through(() => real.list(type, options)),
    get: (type, namespace, name) => through(() => real.get(type, namespace, name)),
    create: (type, object, options) => through(() => real.create(type, object, options)),
    replace: (type, object, options) => through(() => real.replace(type, object, options)),
    replaceStatus: (type, object, options) =>
      through(async () => {
        if (held !== undefined && type.kind === 'WatchCheckpoint') {
          waiting++;
          await held.promise;
          waiting--;
        }
        const stored = await real.replaceStatus(type, object, options);
        if (lost === 0 || type.kind !== 'WatchCheckpoint') return stored;
        lost--;
        throw away();
      }),
    watch: <T extends KubernetesObject>(type: ResourceType, options: WatchOptions) =>
      through(async () => {
        watches++;
        const { signal } = cutting;
        if (options.sendInitialEvents && server.streams === false)
          throw new ResourceError('INVALID_MANIFEST', REFUSED, {});
        const either = AbortSignal.any([options.signal, signal]);
        const events = await real.watch<T>(type, { ...options, signal: either });
        if (options.sendInitialEvents) streams++;
        return ending(events, signal);
      }),
    version: async () => (minor === undefined ? real.version() : { major: 1, minor, text: `v1.${minor}.0` }),
  };
  return {
    resources,
    get watches() {
      return watches;
    },
    get streams() {
      return streams;
    },
    cut: () => cutting.abort(),
    open() {
      cutting = new AbortController();
    },
    loseAnswers(writes) {
      lost = writes;
    },
    hold() {
      held = Promise.withResolvers();
    },
    letGo() {
      held?.resolve();
      held = undefined;
    },
    get waiting() {
      return waiting;
    },
  };
}

async function* ending<Event>(events: AsyncIterable<Event>, signal: AbortSignal): AsyncGenerator<Event> {
  try {
    yield* events;
  } catch (error) {
    throw signal.aborted ? away() : error;
  }
}
