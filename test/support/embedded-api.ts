import { DatabaseSync } from 'node:sqlite';
import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { functionResource } from '../../src/domain/function.ts';
import type { KubernetesObject, ServedType } from '../../src/domain/resource.ts';
import { specIssues } from '../../src/domain/schema.ts';
import { createResources } from '../../src/resources/client.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { embeddedApi } from '../../src/standalone/api/embedded-api.ts';
import { createObjectStore, type ObjectStore } from '../../src/standalone/api/object-store.ts';

const spec = z.strictObject({
  topic: z.string().min(1),
  functionSelector: z.looseObject({}),
  size: z.number().optional(),
});

/** A trigger type that exists for the tests of the API alone. */
export const sampleType: ServedType = {
  group: 'kubeless.io',
  version: 'v1beta1',
  kind: 'SampleTrigger',
  plural: 'sampletriggers',
  singular: 'sampletrigger',
  shortNames: ['st'],
  namespaced: true,
  validate: (object) => specIssues(spec, object),
  columns: [
    { name: 'Topic', path: '.spec.topic', type: 'string' },
    { name: 'Ready', path: '.status.conditions[Ready].status', type: 'string' },
    { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
  ],
};

export type Sample = KubernetesObject<{ topic: string; functionSelector: object; size?: number }, { seen?: number }>;

export function sample(
  name: string,
  more: { namespace?: string; topic?: string; labels?: Record<string, string> } = {},
): Sample {
  const { namespace = 'default', topic = 'orders', labels } = more;
  return {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'SampleTrigger',
    metadata: { name, namespace, ...(labels && { labels }) },
    spec: { topic, functionSelector: {} },
  };
}

export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly store: ObjectStore;
  readonly resources: Resources;
  close(): Promise<void>;
}

/** The embedded API on a port of its own. The objects are kept in memory, or in the file at `path`. */
export async function startApi(
  options: { path?: string; port?: number; clock?: Clock; history?: { changes: number; bytes: number } } = {},
): Promise<TestApi> {
  const { path = ':memory:', port = 0, clock = systemClock, history } = options;
  const db = new DatabaseSync(path);
  const store = createObjectStore(db, { clock, ...(history && { history }) });
  const app = fastify();
  await app.register(embeddedApi({ store, types: [functionResource, sampleType], clock }));
  const url = await app.listen({ host: '127.0.0.1', port });
  const resources = createResources({ url });
  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= (async () => {
      await app.close();
      await resources.close();
      store.close();
      db.close();
    })());
  return { url, app, store, resources, close, [Symbol.asyncDispose]: close };
}
