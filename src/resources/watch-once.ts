import type { Clock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { Resources, Scope } from './resources.ts';
import type { WatchEvent } from './watch-events.ts';

/** Bookmarks come every 10 s from the embedded server and about every minute from a cluster's. */
const SILENCE_MS = 150_000;
/** The server ends a watch after 5 to 10 minutes, each at its own time. */
const WATCH_SECONDS = 300;

export interface OneWatchOptions<T extends KubernetesObject> {
  readonly scope: Scope;
  /** Events after this version. Undefined: all that there is comes first, as `WatchOptions.sendInitialEvents` has it. */
  readonly resourceVersion: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** The server has accepted the watch. */
  readonly onOpen: () => void;
  /** In order. It must not throw. What it promises is waited for before more is read: much less than `SILENCE_MS`. */
  readonly onEvent: (event: WatchEvent<T>) => Promise<void> | undefined;
}

/**
 * Watches until the server ends it.
 *
 * A connection of which one half is gone brings nothing and never fails: silence for longer than bookmarks take counts as
 * a failure. Rejects as `Resources.watch` does, and with the abort of the signal.
 */
export async function watchOnce<T extends KubernetesObject>(
  resources: Resources,
  type: ResourceType,
  { scope, resourceVersion, clock, random, signal, onOpen, onEvent }: OneWatchOptions<T>,
): Promise<void> {
  const silence = new AbortController();
  let heardAt = clock.monotonic();
  let cancel = () => {};
  // One timer for all events: it looks when the last one came, and waits for the rest.
  const listen = (ms: number) => {
    cancel = clock.after(ms, () => {
      const left = heardAt + SILENCE_MS - clock.monotonic();
      if (left > 0) listen(left);
      else silence.abort();
    });
  };
  listen(SILENCE_MS);
  try {
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + random()));
    const either = AbortSignal.any([signal, silence.signal]);
    const sendInitialEvents = resourceVersion === undefined ? true : undefined;
    const options = { ...scope, resourceVersion, sendInitialEvents, timeoutSeconds, signal: either };
    const events = await resources.watch<T>(type, options);
    onOpen();
    for await (const event of events) {
      heardAt = clock.monotonic();
      const done = onEvent(event);
      if (done !== undefined) await done;
    }
  } catch (error) {
    if (!silence.signal.aborted) throw error;
    throw new TrigateError('GATEWAY_UNREACHABLE', `The watch of ${type.plural} was silent for ${SILENCE_MS / 1000} s.`);
  } finally {
    cancel();
  }
}
