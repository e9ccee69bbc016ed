import type { ServerResponse } from 'node:http';
import type { Cancel, Clock } from '../../domain/clock.ts';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { apiVersionOf } from '../../domain/resource.ts';
import { resourceName } from '../../resources/path.ts';
import type { Change } from './change-ring.ts';
import type { ObjectStore } from './object-store.ts';
import type { Query } from './query.ts';
import { expired } from './status.ts';

const BOOKMARK_MS = 10_000;
/** A client that lets so much pile up is cut off; it lists again. */
const MOST_UNSENT_BYTES = 16 * 1024 * 1024;

export interface WatchOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly type: ServedType;
  readonly namespace: string | undefined;
  readonly query: Query;
  /** The form in which the client wants its objects. */
  readonly render: (object: KubernetesObject) => object;
}

/** What a watch has to say first; decided before the answer begins, so that a refusal can still be one. */
export interface WatchStart {
  readonly events: readonly WatchEvent[];
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
}

/**
 * Without a version a watch begins with all that exists; with one, with what has happened since.
 * @throws StatusError 410 when that is forgotten
 */
export function beginWatch({ store, type, namespace, query }: WatchOptions): WatchStart {
  const { resourceVersion } = query;
  if (resourceVersion === undefined || query.sendInitialEvents) {
    const objects = store.list(resourceName(type), namespace).filter(query.selects);
    return { events: objects.map((object) => ({ type: 'ADDED', object })) };
  }
  // There is one server: a version of the future can only be one of another store, which stood here before.
  if (resourceVersion > store.version) throw expired(resourceVersion, store.version);
  const changes = store.since(resourceVersion);
  return { events: changes.flatMap((change) => eventOf(change, type, namespace, query) ?? []) };
}

/**
 * Streams events until the client goes, `timeoutSeconds` are over, or `end` is called.
 * @returns ends it; idempotent
 */
export function runWatch(options: WatchOptions, start: WatchStart, response: ServerResponse): () => void {
  const { store, clock, type, namespace, query, render } = options;
  let cancelBookmark: Cancel = () => {};
  let cancelTimeout: Cancel = () => {};

  const send = (event: { type: string; object: object }) => {
    response.write(`${JSON.stringify(event)}\n`);
  };
  const bookmark = (annotations?: Record<string, string>) => {
    const metadata = { name: '', resourceVersion: String(store.version), ...(annotations && { annotations }) };
    send({ type: 'BOOKMARK', object: render({ apiVersion: apiVersionOf(type), kind: type.kind, metadata }) });
  };
  const remindLater = () => {
    cancelBookmark = clock.after(BOOKMARK_MS, () => {
      bookmark();
      remindLater();
    });
  };

  const unsubscribe = store.subscribe((change) => {
    const event = eventOf(change, type, namespace, query);
    if (event) send({ type: event.type, object: render(event.object) });
    if (response.writableLength > MOST_UNSENT_BYTES) cut();
  });
  // Nothing may be written after the end, so everything that writes stops before it.
  const stop = () => {
    unsubscribe();
    cancelBookmark();
    cancelTimeout();
  };
  const end = () => {
    stop();
    response.end();
  };
  const cut = () => {
    stop();
    response.destroy();
  };
  response.once('close', stop);
  response.on('error', cut);

  for (const { type, object } of start.events) send({ type, object: render(object) });
  if (query.sendInitialEvents) bookmark({ 'k8s.io/initial-events-end': 'true' });
  if (query.allowWatchBookmarks) remindLater();
  if (query.timeoutSeconds) cancelTimeout = clock.after(query.timeoutSeconds * 1_000, end);
  // The client may have gone while the request was on its way here; then `close` does not come again.
  if (response.closed) stop();
  return end;
}

/** An object that comes to match the selectors is added, for this watch; one that no longer does is deleted. */
function eventOf(
  change: Change,
  type: ServedType,
  namespace: string | undefined,
  { selects }: Query,
): WatchEvent | undefined {
  if (change.resource !== resourceName(type)) return undefined;
  const { object, previous } = change;
  if (namespace !== undefined && object.metadata.namespace !== namespace) return undefined;
  const was = previous !== undefined && selects(previous);
  const is = change.type !== 'DELETED' && selects(object);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (was) return { type: 'DELETED', object };
  return undefined;
}
