import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import { parseDuration } from '../../domain/duration.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS, functionType } from '../../domain/function.ts';
import { resourceName } from '../../resources/path.ts';
import type { ObjectStore } from '../api/object-store.ts';
import { type PodLogOptions, podLog } from './pod-log.ts';
import { type ProxyTarget, serviceProxy } from './service-proxy.ts';
import { servicePort } from './views.ts';

export interface WorkloadRoutesOptions extends PodLogOptions {
  readonly store: Pick<ObjectStore, 'get'>;
  /** Largest body of a call. Default: 16 MiB, as much as a local function takes. */
  readonly maxBodyBytes?: number;
  readonly clock: Clock;
}

const DEFAULT_MAX_BODY_BYTES = 16 << 20;

const called = z.looseObject({
  spec: z
    .looseObject({ endpoint: z.string().optional(), timeout: z.union([z.string(), z.number()]).optional() })
    .optional(),
  status: z.looseObject({ endpoint: z.string().optional() }).optional(),
});

/** What a cluster has under a Service and a Pod, for those that `workloadViews` shows. */
export function workloadRoutes(options: WorkloadRoutesOptions): FastifyPluginAsync {
  const { store, clock, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;

  function find(namespace: string, name: string): ProxyTarget | undefined {
    const object = store.get({ resource: resourceName(functionType), namespace, name });
    if (object === undefined) return undefined;
    const { spec, status } = called.safeParse(object).data ?? {};
    return {
      url: spec?.endpoint ?? status?.endpoint,
      port: servicePort(object),
      timeout: parseDuration(String(spec?.timeout ?? '')) || DEFAULT_FUNCTION_TIMEOUT_MS,
    };
  }

  return async (scope) => {
    const proxy = serviceProxy({ find, clock });
    const logs = podLog(options);
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, bytes, done) =>
      done(null, bytes),
    );
    for (const path of ['', '/*']) scope.all(`/api/v1/namespaces/:namespace/services/:service/proxy${path}`, proxy);
    scope.get('/api/v1/namespaces/:namespace/pods/:pod/log', logs.handle);
    scope.addHook('preClose', (done) => {
      logs.close();
      done();
    });
  };
}
