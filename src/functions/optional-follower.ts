import { delay } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { createBackoff, pauseAfter } from '../resources/backoff.ts';
import { type FollowOptions, follow, isRefusal } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A right may be granted later, a type installed; and an API server that has just started refuses what it will allow. */
const ASK_AGAIN_MS = 60_000;
/** For the same reason what could be read counts as lost only then. Until then calls go where they went. */
const LONGEST_REFUSAL_MS = 30_000;

/** Follows a type that this process may not be allowed to read, or that is not there. */
export interface OptionalFollower<T extends KubernetesObject> {
  /** Undefined: not allowed, not there, or not known yet. Live, see `Follower`. */
  objects(): ReadonlyMap<string, T> | undefined;
  /** Resolves after the first list, or when it is known that there is none now; rejects when closed before. */
  readonly synced: Promise<void>;
  close(): Promise<void>;
}

/**
 * Asks whether the type may be read, and follows it while it may; otherwise asks again now and then. A right that is
 * withdrawn, or a type that is removed, takes the objects with it: what nobody tells any more grows old.
 *
 * @param without what it means that it may not, for the log; undefined: nothing to speak of
 */
export function followIfAllowed<T extends KubernetesObject>(
  resources: Resources,
  type: ResourceType,
  options: FollowOptions,
  without: string | undefined,
): OptionalFollower<T> {
  const { clock, log, onChange } = options;
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const synced = Promise.withResolvers<void>();
  // Nobody has to wait for it; whoever does gets the rejection.
  synced.promise.catch(() => {});
  const what = { resource: type.plural, group: type.group };
  let objects: ReadonlyMap<string, T> | undefined;

  async function run(): Promise<void> {
    let isMissing = false;
    while (!signal.aborted) {
      if (await isAllowed(resources, type, { ...options, signal })) {
        if (isMissing) log.info(what, 'can be read now');
        isMissing = false;
        await followWhileAllowed();
      }
      if (signal.aborted) return;
      if (!isMissing && without !== undefined) log.warn(what, without);
      isMissing = true;
      synced.resolve();
      await delay(clock, ASK_AGAIN_MS, signal);
    }
  }

  async function followWhileAllowed(): Promise<void> {
    const follower = follow<T>(resources, type, { ...options, signal, endsWhenRefusedFor: LONGEST_REFUSAL_MS });
    const listed = follower.synced.then(
      () => {
        // Not before: an empty copy would say that there are none.
        objects = follower.objects;
        synced.resolve();
        onChange();
      },
      // It ended before.
      () => {},
    );
    await Promise.all([listed, follower.ended]);
    if (signal.aborted) return;
    objects = undefined;
    onChange();
  }

  const running = run().finally(() =>
    synced.reject(new TrigateError('GATEWAY_UNREACHABLE', `Closed before the ${type.plural} had been listed.`)),
  );
  return {
    objects: () => objects,
    synced: synced.promise,
    close() {
      closing.abort();
      return running;
    },
  };
}

async function isAllowed(resources: Resources, type: ResourceType, options: FollowOptions): Promise<boolean> {
  const { clock, random = Math.random, signal, log } = options;
  const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
  while (!signal.aborted) {
    try {
      await tryReading(resources, type, options);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof TrigateError)) throw error;
      if (isRefusal(error)) return false;
      log.debug({ resource: type.plural, code: error.code }, error.message);
      await delay(clock, pauseAfter(error, backoff), signal);
    }
  }
  return false;
}

/** Lists and watches for a moment: a copy of what may be listed and not watched would be an old one at once. */
async function tryReading(
  resources: Resources,
  type: ResourceType,
  { namespace, labelSelector, signal }: FollowOptions,
): Promise<void> {
  const { resourceVersion } = await resources.list(type, { namespace, labelSelector, limit: 1, signal });
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  const scope = { namespace, labelSelector, timeoutSeconds: 1 };
  const events = await resources.watch(type, { ...scope, resourceVersion, signal: either });
  enough.abort();
  // Whoever reads it is told of the abort; nobody else may be.
  await events[Symbol.asyncIterator]()
    .next()
    .catch(() => {});
}
