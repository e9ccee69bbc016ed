import { delimiter, join } from 'node:path';
import { type Environment, type Flags, merge } from './merge.ts';
import { deepFreeze, validate } from './read.ts';
import type { Settings } from './settings.ts';

/** How a controller reaches its cluster, and what it looks after there. */
export interface ClusterConfig {
  readonly access: ClusterAccess;
  /** Undefined: what the configuration of Kubeless says, else all namespaces. */
  readonly functionsNamespace: string | undefined;
  /** Hosts that the `spec.endpoint` of a Function may name. */
  readonly functionEndpoints: readonly string[];
  /** Addresses of the pod that this is; empty outside of one. */
  readonly podIps: readonly string[];
  /** The ConfigMap of Kubeless' configuration. */
  readonly kubeless: { readonly namespace: string; readonly config: string };
}

export type ClusterAccess =
  | {
      readonly type: 'pod';
      readonly host: string;
      readonly port: string;
      readonly tokenFile: string | undefined;
    }
  | { readonly type: 'kubeconfig'; readonly files: readonly string[]; readonly context: string | undefined };

/**
 * Kubeconfig files that somebody names win over the service account of the pod, and that over the file in the home
 * directory: what controllers of Kubernetes do.
 *
 * @throws {TrigateError} INVALID_CONFIG
 */
export function readClusterConfig(env: Environment, flags: Flags = {}): ClusterConfig {
  const values = validate(merge(env, flags));
  return deepFreeze<ClusterConfig>({
    access: clusterAccess(values),
    functionsNamespace: values.functionsNamespace,
    functionEndpoints: values.functionEndpoints,
    podIps: values.podIps,
    kubeless: { namespace: values.kubelessNamespace, config: values.kubelessConfig },
  });
}

export function clusterAccess(values: Settings): ClusterAccess {
  const { kubeconfig, context, kubernetesHost, kubernetesPort, kubelessTokenFile, home = '.' } = values;
  if (kubeconfig === undefined && context === undefined && kubernetesHost !== undefined) {
    return { type: 'pod', host: kubernetesHost, port: kubernetesPort, tokenFile: kubelessTokenFile };
  }
  const files = (kubeconfig ?? join(home, '.kube', 'config')).split(delimiter).filter((file) => file !== '');
  return { type: 'kubeconfig', files, context };
}

/** Where Kubeless' controllers look for a broker when nobody says. */
const kubelessBrokers = {
  KAFKA_BROKERS: 'kafka.kubeless:9092',
  NATS_URL: 'nats://nats.nats-io.svc.cluster.local:4222',
};

/** The environment of a controller, which always has a broker. */
export function withKubelessDefaults(env: Environment): Environment {
  const set = Object.entries(env).filter(([, value]) => value !== undefined && value !== '');
  return { ...kubelessBrokers, ...Object.fromEntries(set) };
}
