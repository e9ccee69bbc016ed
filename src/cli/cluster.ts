import { hash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { ClusterConfig } from '../config/index.ts';
import { type Clock, delay } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Logger } from '../domain/kind.ts';
import type { KubernetesObject } from '../domain/resource.ts';
import type { Access } from '../resources/access/access.ts';
import { openConnections } from '../resources/access/connections.ts';
import { inClusterAccess } from '../resources/access/in-cluster.ts';
import { kubeconfigAccess } from '../resources/access/kubeconfig.ts';
import { createBackoff, pauseAfter } from '../resources/backoff.ts';
import { createResources } from '../resources/client.ts';
import type { Resources } from '../resources/resources.ts';
import { configMapType, namespaceType } from '../standalone/api/core-types.ts';

/** A cluster's API server, and who we are there. */
export interface Cluster {
  readonly url: string;
  /** Where who does not say acts. */
  readonly namespace: string | undefined;
  readonly resources: Resources;
  readonly dispatcher: Dispatcher;
  /** Who we are there, for the next request. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Whether its API server was reached at that address. */
  reached(address: string): boolean;
  /**
   * Tells it from other clusters.
   * @throws TrigateError as Resources does
   */
  identity(): Promise<string>;
  close(): Promise<void>;
}

/** @throws TrigateError INVALID_CONFIG; the API server need not answer */
export async function openCluster({ access: how }: Pick<ClusterConfig, 'access'>): Promise<Cluster> {
  const access: Access = how.type === 'pod' ? inClusterAccess(how) : await kubeconfigAccess(how.files, how.context);
  const connections = await openConnections(access);
  const { dispatcher, reached } = connections;
  const resources = createResources({ url: access.url, dispatcher, headers: () => access.headers() });
  return {
    url: access.url,
    namespace: access.namespace,
    resources,
    dispatcher,
    headers: access.headers,
    reached,
    identity: () => identityOf(resources, access),
    async close() {
      await resources.close();
      await connections.close();
    },
  };
}

/** The uid of a namespace that each cluster has and keeps; who may not see it goes by where the API server is. */
async function identityOf(resources: Resources, { url, tls }: Access): Promise<string> {
  try {
    const { metadata } = await resources.get(namespaceType, '', 'kube-system');
    if (metadata.uid !== undefined) return metadata.uid;
  } catch (error) {
    const isHidden = error instanceof TrigateError && (error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN');
    if (!isHidden) throw error;
  }
  const { ca = '' } = await tls();
  return hash('sha256', `${url} ${String(ca)}`).slice(0, 12);
}

/**
 * The namespace that triggers and functions are looked for in: what we are told, else `functions-namespace` of Kubeless'
 * configuration. Undefined: all of them. Waits for the API server until the signal aborts.
 */
export async function functionsNamespace(
  resources: Resources,
  config: ClusterConfig,
  { clock, random, log, signal }: { clock: Clock; random: () => number; log: Logger; signal: AbortSignal },
): Promise<string | undefined> {
  if (config.functionsNamespace !== undefined) return config.functionsNamespace;
  const { namespace, config: name } = config.kubeless;
  const backoff = createBackoff({ first: 250, longest: 15_000, random });
  while (!signal.aborted) {
    try {
      const { data } = await resources.get<ConfigMap>(configMapType, namespace, name, { signal });
      return data?.['functions-namespace'] || undefined;
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof TrigateError)) throw error;
      // There is no Kubeless here, or its configuration is none of our business.
      if (error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN') return undefined;
      log.warn({ code: error.code }, error.message);
      await delay(clock, pauseAfter(error, backoff), signal);
    }
  }
  return undefined;
}

type ConfigMap = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };
