import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { Headers } from './access/access.ts';
import { groupPath, readDiscovery, readGroups, readVersion } from './discovery.ts';
import { readLines } from './lines.ts';
import { resourcePath } from './path.ts';
import { callService, podLog } from './proxy.ts';
import { unreadable } from './resource-error.ts';
import type { ListOptions, Resources, WatchOptions, WriteOptions } from './resources.ts';
import { type Call, createTransport } from './transport.ts';
import { asObject, readWatch } from './watch-events.ts';

/** An object has at most 1.5 MiB in etcd and 3 MiB in a request. */
const LONGEST_EVENT = 8 * 1024 * 1024;
const STATUS_TRIES = 10;

const page = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullish(),
});

export interface ResourcesOptions {
  /** Root of the API server: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Sent with every request: `authorization`. A function is asked before each one. */
  readonly headers?: Headers | (() => Promise<Headers>);
  /** How to connect, where TLS or limits of one's own are needed. It stays the caller's to close. */
  readonly dispatcher?: Dispatcher;
}

/** @throws TrigateError INVALID_ARGUMENT when the URL is none */
export function createResources(options: ResourcesOptions): Resources {
  const transport = createTransport(options);

  async function object<T extends KubernetesObject>(type: ResourceType, call: Call): Promise<T> {
    return asObject<T>(type, await transport.json(call), transport.describe(call));
  }

  const write = async <T extends KubernetesObject>(
    type: ResourceType,
    { metadata }: KubernetesObject,
    call: Pick<Call, 'method' | 'body'>,
    { dryRun, signal, subresource }: WriteOptions & { subresource?: 'status' } = {},
  ): Promise<T> => {
    const name = call.method === 'POST' ? undefined : metadata.name;
    const path = objectPath(type, metadata.namespace, name, subresource);
    return object<T>(type, { ...call, path, query: dry(dryRun), signal });
  };

  const resources: Resources = {
    async list<T extends KubernetesObject>(type: ResourceType, options: ListOptions = {}) {
      const { namespace, signal, at, ...query } = options;
      const call: Call = {
        method: 'GET',
        path: resourcePath(type, namespace),
        // Later pages stand at the version of the first one, and must not name it.
        query: { ...query, ...(at !== undefined && query.continue === undefined && exactly(at)) },
        signal,
      };
      const what = transport.describe(call);
      const { data } = page.safeParse(await transport.json(call));
      if (data === undefined) throw unreadable(`${what} was answered with something that is not a list.`);
      return {
        items: (data.items ?? []).map((item) => asObject<T>(type, item, what)),
        resourceVersion: data.metadata.resourceVersion,
        continue: data.metadata.continue || undefined,
      };
    },

    get: async (type, namespace, name, { signal } = {}) =>
      object(type, { method: 'GET', path: objectPath(type, namespace, name), signal }),
    create: (type, body, options) => write(type, body, { method: 'POST', body }, options),
    replace: (type, body, options) => write(type, body, { method: 'PUT', body }, options),
    replaceStatus: (type, body, options) =>
      write(type, body, { method: 'PUT', body }, { ...options, subresource: 'status' }),

    patch: async (type, namespace, name, body, { subresource, dryRun, signal } = {}) =>
      object(type, {
        method: 'PATCH',
        path: objectPath(type, namespace, name, subresource),
        query: dry(dryRun),
        body,
        contentType: 'application/merge-patch+json',
        signal,
      }),

    async delete(type, namespace, name, { dryRun, signal } = {}) {
      await transport.json({ method: 'DELETE', path: objectPath(type, namespace, name), query: dry(dryRun), signal });
    },

    async watch<T extends KubernetesObject>(type: ResourceType, options: WatchOptions) {
      const { namespace, signal, ...scope } = options;
      const match = scope.sendInitialEvents && { resourceVersionMatch: 'NotOlderThan' };
      const query = { ...scope, ...match, watch: true, allowWatchBookmarks: true };
      const call: Call = { method: 'GET', path: resourcePath(type, namespace), query, signal };
      return readWatch<T>(type, readLines(await transport.stream(call), LONGEST_EVENT), transport.describe(call));
    },

    async updateStatus<T extends KubernetesObject>(
      type: ResourceType,
      namespace: string | undefined,
      name: string,
      change: (object: T) => T | undefined,
      { signal }: { readonly signal?: AbortSignal | undefined } = {},
    ) {
      for (let tries = 1; ; tries++) {
        const current = await resources.get<T>(type, namespace, name, { signal });
        const changed = change(current);
        if (changed === undefined) return current;
        try {
          return await resources.replaceStatus(type, changed, { signal });
        } catch (error) {
          const lostRace = error instanceof TrigateError && error.code === 'CONFLICT';
          if (!lostRace || tries === STATUS_TRIES) throw error;
        }
      }
    },

    async discover(apiVersion) {
      const call: Call = { method: 'GET', path: groupPath(apiVersion) };
      return readDiscovery(await transport.json(call), apiVersion, transport.describe(call));
    },
    async apiVersions() {
      const call: Call = { method: 'GET', path: '/apis' };
      return ['v1', ...readGroups(await transport.json(call), transport.describe(call))];
    },
    async version() {
      const call: Call = { method: 'GET', path: '/version' };
      return readVersion(await transport.json(call), transport.describe(call));
    },
    callService: (service, call) => callService(transport, service, call),
    podLog: (namespace, name, options = {}) => podLog(transport, namespace, name, options),
    close: () => transport.close(),
  };
  return resources;
}

const exactly = (resourceVersion: string) => ({ resourceVersion, resourceVersionMatch: 'Exact' });

const dry = (dryRun: boolean | undefined) => ({ dryRun: dryRun ? 'All' : undefined });

/** All of a type may be asked for at once, one object only in its namespace. */
function objectPath(type: ResourceType, namespace?: string, name?: string, subresource?: 'status'): string {
  if (type.namespaced && !namespace) {
    throw new TrigateError('INVALID_ARGUMENT', `The ${type.kind} "${name ?? ''}" has no namespace.`);
  }
  return resourcePath(type, namespace, name, subresource);
}
