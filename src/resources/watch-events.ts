import { z } from 'zod';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { apiVersionOf } from '../domain/resource.ts';
import { parseJson } from './json.ts';
import { errorFromStatus, unreadable } from './resource-error.ts';

/** One line of a watch. An `ERROR` event is thrown by the stream instead. */
export type WatchEvent<T extends KubernetesObject = KubernetesObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | {
      readonly type: 'BOOKMARK';
      readonly resourceVersion: string;
      /** All that there was when the watch began has been told, see `WatchOptions.sendInitialEvents`. */
      readonly endsInitial?: true;
    };

const EVENTS: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

interface EventLine {
  readonly type: WatchEvent['type'] | 'ERROR';
  readonly object: Record<string, unknown>;
}

/** By hand and not by a schema: thousands come in a second, and a schema copies each of them. */
function isEventLine(document: unknown): document is EventLine {
  return isRecord(document) && EVENTS.has(document.type) && isRecord(document.object);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const INITIAL_END = 'k8s.io/initial-events-end';

const bookmark = z.looseObject({
  metadata: z.looseObject({
    resourceVersion: z.string(),
    annotations: z.looseObject({ [INITIAL_END]: z.string().optional() }).nullish(),
  }),
});

/**
 * Takes a document of the API as an object of the type that was asked for. The shape that every object shares is
 * checked; that spec and status are T is the server's word, which validated them.
 *
 * Lists of built-in types leave `apiVersion` and `kind` out of their items, so they are put back from the type, into the
 * document itself.
 */
export function asObject<T extends KubernetesObject>(type: ResourceType, document: unknown, what: string): T {
  const metadata = isRecord(document) ? document.metadata : undefined;
  if (!isRecord(document) || !isRecord(metadata) || typeof metadata.name !== 'string' || metadata.name === '') {
    throw unreadable(`${what} was answered with something that is not a ${type.kind}.`);
  }
  document.apiVersion = apiVersionOf(type);
  document.kind = type.kind;
  return document as KubernetesObject as T;
}

/**
 * Reads the lines of a watch.
 * @throws ResourceError for an `ERROR` event (EXPIRED: list again), and INTERNAL for a line that is not an event
 */
export async function* readWatch<T extends KubernetesObject>(
  type: ResourceType,
  lines: AsyncIterable<string>,
  what: string,
): AsyncGenerator<WatchEvent<T>> {
  for await (const line of lines) {
    const event = parseJson(line);
    if (!isEventLine(event)) throw unreadable(`${what} was answered with a line that is not a watch event.`);
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        yield { type: event.type, object: asObject<T>(type, event.object, what) };
        break;
      case 'BOOKMARK': {
        const metadata = bookmark.safeParse(event.object).data?.metadata;
        if (metadata === undefined) break;
        const endsInitial = metadata.annotations?.[INITIAL_END] === 'true';
        yield {
          type: 'BOOKMARK',
          resourceVersion: metadata.resourceVersion,
          ...(endsInitial && { endsInitial }),
        };
        break;
      }
      case 'ERROR':
        throw errorFromStatus(undefined, event.object, what);
      default:
        event.type satisfies never;
    }
  }
}
