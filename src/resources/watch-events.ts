import { z } from 'zod';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { apiVersionOf } from '../domain/resource.ts';
import { parseJson } from './json.ts';
import { errorFromStatus, unreadable } from './resource-error.ts';

/** One line of a watch. An `ERROR` event is thrown by the stream instead. */
export type WatchEvent<T extends KubernetesObject = KubernetesObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

const eventLine = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({}),
});
const bookmark = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });
const objectShape = z.looseObject({ metadata: z.looseObject({ name: z.string().min(1) }) });

/**
 * Takes a document of the API as an object of the type that was asked for. The shape that every object shares is
 * checked; that spec and status are T is the server's word, which validated them.
 *
 * Lists of built-in types leave `apiVersion` and `kind` out of their items, so they are put back from the type.
 */
export function asObject<T extends KubernetesObject>(type: ResourceType, document: unknown, what: string): T {
  const parsed = objectShape.safeParse(document);
  if (!parsed.success) throw unreadable(`${what} was answered with something that is not a ${type.kind}.`);
  return { ...parsed.data, apiVersion: apiVersionOf(type), kind: type.kind } as KubernetesObject as T;
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
    const event = eventLine.safeParse(parseJson(line)).data;
    if (event === undefined) throw unreadable(`${what} was answered with a line that is not a watch event.`);
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        yield { type: event.type, object: asObject<T>(type, event.object, what) };
        break;
      case 'BOOKMARK': {
        const version = bookmark.safeParse(event.object).data?.metadata.resourceVersion;
        if (version !== undefined) yield { type: 'BOOKMARK', resourceVersion: version };
        break;
      }
      case 'ERROR':
        throw errorFromStatus(undefined, event.object, what);
      default:
        event.type satisfies never;
    }
  }
}
