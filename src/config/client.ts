import { readFileSync } from 'node:fs';
import { TrigateError } from '../domain/errors.ts';
import { type ClusterAccess, clusterAccess } from './cluster.ts';
import { type Environment, type Flags, type Merged, merge } from './merge.ts';
import { type NatsConfig, natsConfig } from './nats.ts';
import { deepFreeze, tokenOf, validate } from './read.ts';
import type { Secret } from './secret.ts';
import type { SettingName, Settings } from './settings.ts';

/** What a command runs with that speaks to a gateway or to a cluster. */
export interface ClientConfig {
  readonly target: ClientTarget;
  /** Of the gateway. In a cluster only one that was given with this very command: that of the environment is another's. */
  readonly token: Secret | undefined;
  /** The release of the chart in a cluster. Undefined: the one of the namespace that the command acts in. */
  readonly release: ReleaseName | undefined;
  /** Undefined: that of the context, else `default`. */
  readonly namespace: string | undefined;
  /** The ConfigMap of Kubeless. */
  readonly kubeless: { readonly namespace: string; readonly config: string };
}

export interface ReleaseName {
  /** Undefined: that of the command. */
  readonly namespace: string | undefined;
  readonly name: string;
}

export type ClientTarget = GatewayTarget | ClusterTarget;

export interface GatewayTarget {
  readonly type: 'gateway';
  /** Without a slash at its end. */
  readonly url: string;
  /** Who said so, for people. */
  readonly from: string;
}

export interface ClusterTarget {
  readonly type: 'cluster';
  readonly access: ClusterAccess;
  readonly from: string;
}

const clientSettings: ReadonlySet<SettingName> = new Set<SettingName>([
  'gateway',
  'token',
  'tokenFile',
  'namespace',
  'release',
  'kubeconfig',
  'context',
  'kubernetesHost',
  'kubernetesPort',
  'kubelessTokenFile',
  'home',
  'kubelessNamespace',
  'kubelessConfig',
]);

/**
 * Flags win over the environment, a gateway that is named over a kubeconfig that merely exists, and that over the gateway
 * of this machine. Looks only at what a client needs: a wrong `KAFKA_BROKERS` does not stop `trigate topic list`.
 *
 * @throws {TrigateError} INVALID_CONFIG, INVALID_ARGUMENT
 */
export function readClientConfig(env: Environment, flags: Flags = {}): ClientConfig {
  const merged: Merged = new Map([...merge(env, flags)].filter(([name]) => clientSettings.has(name)));
  const values = validate(merged);
  const clusterFlag = flags.context !== undefined ? '--context' : flags.kubeconfig !== undefined ? '--kubeconfig' : '';
  if (flags.gateway !== undefined && clusterFlag !== '') {
    throw new TrigateError('INVALID_ARGUMENT', `--gateway and ${clusterFlag} name two servers: give one of them.`);
  }
  const target = targetOf(values, merged, clusterFlag);
  const isGiven = target.type === 'gateway' || merged.get('tokenFile')?.from === '--token-file';
  return deepFreeze<ClientConfig>({
    target,
    token: isGiven ? tokenOf(values, merged) : undefined,
    release: releaseOf(values.release),
    namespace: values.namespace,
    kubeless: { namespace: values.kubelessNamespace, config: values.kubelessConfig },
  });
}

/** @param clusterFlag the flag that names a cluster, or nothing */
function targetOf(values: Settings, merged: Merged, clusterFlag: string): ClientTarget {
  if (clusterFlag !== '') return { type: 'cluster', access: clusterAccess(values), from: clusterFlag };
  const named = merged.get('gateway')?.from;
  const present = named === undefined ? presentCluster(values, merged) : undefined;
  return present ?? { type: 'gateway', url: values.gateway.replace(/\/+$/, ''), from: named ?? 'the default' };
}

function releaseOf(text: string | undefined): ReleaseName | undefined {
  if (text === undefined) return undefined;
  const [first = '', second] = text.split('/');
  return second === undefined ? { namespace: undefined, name: first } : { namespace: first, name: second };
}

/** The cluster of the pod that we are in, or of a kubeconfig that has a current context. */
function presentCluster(values: Settings, merged: Merged): ClusterTarget | undefined {
  const access = clusterAccess(values);
  if (access.type === 'pod') return { type: 'cluster', access, from: 'the service account of the pod' };
  if (!access.files.some(hasCurrentContext)) return undefined;
  return { type: 'cluster', access, from: merged.get('kubeconfig')?.from ?? access.files.join(', ') };
}

/** Tools leave files behind that have none. What reads kubeconfigs is too heavy to ask here. */
function hasCurrentContext(file: string): boolean {
  try {
    return /^[\s{,]*["']?current-context["']?\s*:[ \t]*(["']?)[^\s"'#,}]/m.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

const natsSettings: ReadonlySet<SettingName> = new Set<SettingName>([
  'natsUrl',
  'natsCreds',
  'natsNkey',
  'natsCaCerts',
  'natsCert',
  'natsKey',
]);

/**
 * For a command that speaks to NATS itself: the server that its flag names, with the login and the certificates of the
 * environment. Looks at nothing else there.
 * @throws {TrigateError} INVALID_CONFIG
 */
export function readNatsConfig(env: Environment, url: string): NatsConfig | undefined {
  const given = merge(env, { natsUrl: url });
  const merged: Merged = new Map([...given].filter(([name]) => natsSettings.has(name)));
  return natsConfig(validate(merged), merged);
}
