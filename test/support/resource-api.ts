import { DatabaseSync } from 'node:sqlite';
import fastify from 'fastify';
import type { ServedType } from '../../src/domain/resource.ts';
import { createResources } from '../../src/resources/client.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { embeddedApi } from '../../src/standalone/api/embedded-api.ts';
import { createObjectStore } from '../../src/standalone/api/object-store.ts';

export interface ResourceApi extends AsyncDisposable {
  readonly url: string;
  readonly resources: Resources;
}

/** The embedded resource API over a database in memory, on a free port, with a client. */
export async function startResourceApi(
  types: readonly ServedType[],
  options: {
    /** Default: in memory. */
    readonly path?: string;
    /** Default: a free one. */
    readonly port?: number;
    readonly history?: { readonly changes: number; readonly bytes: number };
  } = {},
): Promise<ResourceApi> {
  const db = new DatabaseSync(options.path ?? ':memory:');
  db.exec('PRAGMA journal_mode = WAL');
  const store = createObjectStore(db, options.history && { history: options.history });
  const server = fastify({ forceCloseConnections: true });
  await server.register(embeddedApi({ store, types }));
  const url = await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const resources = createResources({ url });
  return {
    url,
    resources,
    async [Symbol.asyncDispose]() {
      await resources.close();
      await server.close();
      store.close();
      db.close();
    },
  };
}
