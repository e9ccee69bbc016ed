import { z } from 'zod';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { apiVersionOf } from '../../domain/resource.ts';
import { resourceName } from '../../resources/path.ts';
import { type ObjectStore, sortKey } from './object-store.ts';
import type { Query } from './query.ts';
import { badRequest, expired } from './status.ts';

export interface Page {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly KubernetesObject[];
}

/** Where the next page goes on: all pages of a list show the objects as they stood at one version. */
const token = z.object({ version: z.number(), after: z.string() });

/** @throws StatusError 400 for a strange `continue`, 410 when the version of the first page is forgotten */
export function listPage(store: ObjectStore, type: ServedType, namespace: string | undefined, query: Query): Page {
  const from = query.continue === '' ? undefined : readToken(query.continue);
  if (from && from.version > store.version) throw expired(from.version, store.version);
  const version = from?.version ?? versionOf(query, store.version);
  const selected = store
    .list(resourceName(type), namespace, version)
    .filter((object) => query.selects(object) && (from === undefined || sortKey(object) > from.after));
  const items = query.limit ? selected.slice(0, query.limit) : selected;
  const last = items.at(-1);
  const more = last !== undefined && items.length < selected.length;
  return {
    metadata: {
      resourceVersion: String(version),
      ...(more && {
        continue: Buffer.from(JSON.stringify({ version, after: sortKey(last) })).toString('base64url'),
        remainingItemCount: selected.length - items.length,
      }),
    },
    items,
  };
}

/** "Not older than": what stands now is good enough, once there is such a version. */
function versionOf({ resourceVersion = 0, resourceVersionMatch }: Query, current: number): number {
  return resourceVersionMatch === 'Exact' ? resourceVersion : Math.max(current, resourceVersion);
}

function readToken(text: string): z.infer<typeof token> {
  try {
    return token.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw badRequest('the query parameter continue must be the one that the page before came with');
  }
}

export const asList = (type: ServedType, page: Page): object => ({
  kind: `${type.kind}List`,
  apiVersion: apiVersionOf(type),
  ...page,
});
