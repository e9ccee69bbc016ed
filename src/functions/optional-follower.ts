import { delay } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { createBackoff } from '../resources/backoff.ts';
import { type Follower, type FollowOptions, follow } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A right may be granted later, a type installed; and an API server that has just started refuses what it will allow. */
const ASK_AGAIN_MS = 60_000;

/** Follows a type that this process may not be allowed to read, or that is not there. */
export interface OptionalFollower<T extends KubernetesObject> {
  /** Undefined: not allowed, not there, or not known yet. Live, see `Follower`. */
  objects(): ReadonlyMap<string, T> | undefined;
  /** Resolves after the first list, or when it is known that there is none now; rejects when closed before. */
  readonly synced: Promise<void>;
  close(): Promise<void>;
}

/**
 * Asks whether the type may be listed, and follows it if so; otherwise asks again now and then.
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
  let follower: Follower<T> | undefined;
  let objects: ReadonlyMap<string, T> | undefined;

  async function run(): Promise<void> {
    for (let asked = 0; !signal.aborted; asked++) {
      if (await isAllowed(resources, type, { ...options, signal })) return followNow(asked);
      if (signal.aborted) return;
      if (asked === 0 && without !== undefined) log.warn({ resource: type.plural, group: type.group }, without);
      synced.resolve();
      await delay(clock, ASK_AGAIN_MS, signal);
    }
  }

  async function followNow(asked: number): Promise<void> {
    if (asked > 0) log.info({ resource: type.plural, group: type.group }, 'can be read now');
    follower = follow<T>(resources, type, { ...options, signal });
    await follower.synced;
    // Not before: an empty copy would say that there are none.
    objects = follower.objects;
    synced.resolve();
    onChange();
  }

  const running = run().catch((error) => synced.reject(error));
  return {
    objects: () => objects,
    synced: synced.promise,
    async close() {
      closing.abort();
      await running;
      await follower?.close();
      synced.reject(new TrigateError('GATEWAY_UNREACHABLE', `Closed before the ${type.plural} had been listed.`));
    },
  };
}

async function isAllowed(resources: Resources, type: ResourceType, options: FollowOptions): Promise<boolean> {
  const { namespace, labelSelector, clock, random = Math.random, signal, log } = options;
  const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
  while (!signal.aborted) {
    try {
      await resources.list(type, { namespace, labelSelector, limit: 1, signal });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof TrigateError)) throw error;
      if (error.code === 'FORBIDDEN' || error.code === 'NOT_FOUND') return false;
      log.debug({ resource: type.plural, code: error.code }, error.message);
      await delay(clock, backoff.next(), signal);
    }
  }
  return false;
}
