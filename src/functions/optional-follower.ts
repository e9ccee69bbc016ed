import { delay } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { createBackoff } from '../resources/backoff.ts';
import { type Follower, type FollowOptions, follow } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** Follows a type that this process may not be allowed to read. */
export interface OptionalFollower<T extends KubernetesObject> {
  /** Undefined: not allowed, or not known yet. Live, see `Follower`. */
  objects(): ReadonlyMap<string, T> | undefined;
  /** Resolves after the first list, or when it is known that there will be none; rejects when closed during that list. */
  readonly synced: Promise<void>;
  close(): Promise<void>;
}

/**
 * Asks once whether the type may be listed, and follows it if so.
 * @param without what it means that it may not, for the log
 */
export function followIfAllowed<T extends KubernetesObject>(
  resources: Resources,
  type: ResourceType,
  options: FollowOptions,
  without: string,
): OptionalFollower<T> {
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  let follower: Follower<T> | undefined;

  const decided = isAllowed(resources, type, { ...options, signal }).then((allowed) => {
    if (signal.aborted) return;
    if (allowed) follower = follow<T>(resources, type, { ...options, signal });
    else options.log.warn({ resource: type.plural }, without);
  });
  const synced = decided.then(() => follower?.synced);
  synced.catch(() => {});
  return {
    objects: () => follower?.objects,
    synced,
    async close() {
      closing.abort();
      await decided;
      await follower?.close();
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
