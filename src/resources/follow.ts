import { type Clock, delay } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Logger } from '../domain/kind.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { createBackoff, pauseAfter } from './backoff.ts';
import { createObjectCache } from './object-cache.ts';
import type { Resources, Scope } from './resources.ts';
import { watchOnce } from './watch-once.ts';

const PAGE = 500;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A watch that ended sooner and brought nothing was refused in a polite way. */
const BRIEF_WATCH_MS = 1_000;

export interface FollowOptions<T extends KubernetesObject = KubernetesObject> extends Scope {
  /**
   * Called after each change of `objects`; once for a whole list. It must not throw.
   * @param changed the one object that is new or another one now; undefined when it is more than that, or one that is gone
   */
  readonly onChange: (changed?: T) => void;
  readonly clock: Clock;
  readonly random?: () => number;
  /**
   * Milliseconds of nothing but FORBIDDEN and NOT_FOUND after which the follower ends by itself; a server that restarts
   * refuses for a moment what it allows. Undefined: it goes on asking, and keeps its copy.
   */
  readonly endsWhenRefusedFor?: number | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export type FollowerStatus =
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly message: string };

/** Keeps a copy of the objects of a type. Level-triggered: what counts is `objects`, not how it came about. */
export interface Follower<T extends KubernetesObject> {
  /** By `namespace/name`; live: read it, do not keep it. */
  readonly objects: ReadonlyMap<string, T>;
  /** Resolves after the first list; rejects when the follower ends before it. */
  readonly synced: Promise<void>;
  /** Resolves when it has ended: closed, or refused for too long. */
  readonly ended: Promise<void>;
  status(): FollowerStatus;
  /** Ends the loop and its watch. Idempotent. */
  close(): Promise<void>;
}

/** The server answers, and says no: the type may not be read, or is not there. */
export const isRefusal = ({ code }: TrigateError): boolean => code === 'FORBIDDEN' || code === 'NOT_FOUND';

/**
 * Starts the list+watch loop. It has two states:
 *
 *   listing   reads all pages, replaces the copy (what is no longer there was deleted), goes on to watching from the
 *             version of the list.
 *   watching  applies events and remembers the last version, of bookmarks too. Ended by the server: watches on from that
 *             version at once. EXPIRED (410, as status or as event): that version is forgotten history, so list again.
 *             Any other failure, silence, or "too large resource version" (a server that lags behind the one before):
 *             pauses, then watches on from the same version. Listing again would only burden a server in trouble.
 *
 * Refused for as long as `endsWhenRefusedFor` says, it ends; an answer of any other sort starts that time anew.
 *
 * Pauses grow with each failure in a row, are jittered, and never shorter than a `Retry-After`. Only an event shows that
 * the server works: a server that ends every watch at once is paused for like one that fails.
 */
export function follow<T extends KubernetesObject>(
  resources: Resources,
  type: ResourceType,
  options: FollowOptions<T>,
): Follower<T> {
  const { clock, log, onChange, random = Math.random, namespace, labelSelector, fieldSelector } = options;
  const { endsWhenRefusedFor = Number.POSITIVE_INFINITY } = options;
  const scope: Scope = { namespace, labelSelector, fieldSelector };
  const closing = new AbortController();
  const signal = AbortSignal.any([options.signal, closing.signal]);
  const cache = createObjectCache<T>();
  const synced = Promise.withResolvers<void>();
  const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
  /** Since when there has been nothing but refusals, on the monotonic clock. */
  let refusedSince: number | undefined;
  let status: FollowerStatus = { type: 'disconnected', message: `The ${type.plural} have not been listed yet.` };

  // Nobody has to wait for `synced`; whoever does gets the rejection.
  synced.promise.catch(() => {});

  async function list(): Promise<string> {
    const found: T[] = [];
    let next: string | undefined;
    for (;;) {
      const page = await resources.list<T>(type, { ...scope, limit: PAGE, continue: next, signal });
      found.push(...page.items);
      next = page.continue;
      if (next !== undefined) continue;
      if (cache.replaceAll(found)) onChange();
      synced.resolve();
      return page.resourceVersion;
    }
  }

  /** Watches until the server ends it; tells every version on the way. */
  const watch = (resourceVersion: string, passed: (version: string) => void): Promise<void> =>
    watchOnce<T>(resources, type, {
      scope,
      resourceVersion,
      clock,
      random,
      signal,
      onOpen: connected,
      onEvent(event) {
        backoff.reset();
        const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
        const isNews = event.type !== 'BOOKMARK' && cache.apply(event.type, event.object);
        if (version !== undefined) passed(version);
        if (isNews) onChange(event.type === 'DELETED' ? undefined : event.object);
      },
    });

  async function run(): Promise<void> {
    let version: string | undefined;
    while (!signal.aborted) {
      let progress = false;
      try {
        version ??= await list();
        const started = clock.monotonic();
        await watch(version, (passed) => {
          version = passed;
          progress = true;
        });
        const brief = clock.monotonic() - started < BRIEF_WATCH_MS;
        if (brief && !progress) await delay(clock, backoff.next(), signal);
      } catch (error) {
        if (signal.aborted) return;
        // Anything else is a mistake in this program, of `onChange` for one, and must not be hidden by trying again.
        if (!(error instanceof TrigateError)) throw error;
        if (error.code === 'EXPIRED') version = undefined;
        disconnected(error);
        if (isRefusedForGood(error)) return;
        await delay(clock, pauseAfter(error, backoff), signal);
      }
    }
  }

  function isRefusedForGood(error: TrigateError): boolean {
    refusedSince = isRefusal(error) ? (refusedSince ?? clock.monotonic()) : undefined;
    return refusedSince !== undefined && clock.monotonic() - refusedSince >= endsWhenRefusedFor;
  }

  function connected(): void {
    refusedSince = undefined;
    if (status.type === 'disconnected') log.debug({ resource: type.plural }, 'following');
    status = { type: 'connected' };
  }

  function disconnected({ message, code }: TrigateError): void {
    const known = status.type === 'disconnected' && status.message === message;
    if (!known) log.warn({ resource: type.plural, code }, message);
    status = { type: 'disconnected', message };
  }

  const running = run().finally(() => {
    status = { type: 'disconnected', message: 'Closed.' };
    synced.reject(new TrigateError('GATEWAY_UNREACHABLE', `Closed before the ${type.plural} had been listed.`));
  });

  return {
    objects: cache.objects,
    synced: synced.promise,
    ended: running,
    status: () => status,
    close() {
      closing.abort();
      return running;
    },
  };
}
