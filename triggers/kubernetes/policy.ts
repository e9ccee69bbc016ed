import type { KubernetesTriggerSpec } from './spec.ts';

/** What the operator lets triggers watch. */
export interface WatchPolicy {
  /** `Secret`, `Role.rbac.authorization.k8s.io`, `*.rbac.authorization.k8s.io`: kinds that are refused otherwise. */
  readonly allow: readonly string[];
  /** Beyond the trigger's own namespace. */
  readonly scopes: readonly Exclude<KubernetesTriggerSpec['scope'], 'namespace'>[];
}

export const strictPolicy: WatchPolicy = { allow: [], scopes: [] };

const OWN_GROUP = 'kubeless.io';

/** Whoever may read these may become somebody else, or learns what only they should know. `*`: the whole group. */
const REFUSED: readonly (readonly [group: string, kind: string])[] = [
  ['', 'Secret'],
  ['', 'ServiceAccount'],
  ['rbac.authorization.k8s.io', '*'],
  ['authentication.k8s.io', '*'],
  ['authorization.k8s.io', '*'],
  ['certificates.k8s.io', '*'],
  ['oauth.openshift.io', '*'],
  // Written every few seconds by everything that elects a leader.
  ['coordination.k8s.io', '*'],
];

/** Why a kind may not be watched, as the end of a sentence; undefined when it may. */
export function refusalOf(
  { apiVersion, kind }: KubernetesTriggerSpec['resource'],
  policy: WatchPolicy,
): string | undefined {
  const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '';
  // Every claim writes one: a trigger on them would never come to rest.
  if (group === OWN_GROUP && kind === 'WatchCheckpoint')
    return 'must not be WatchCheckpoint: the claims of watches are kept there';
  const isRefused = REFUSED.some(([refused, name]) => refused === group && (name === '*' || name === kind));
  if (!isRefused || policy.allow.some((allowed) => allowed === named(kind, group) || allowed === `*.${group}`))
    return undefined;
  return `must not be ${named(kind, group)}: this gateway does not watch it (its operator may allow it with TRIGATE_KUBERNETES_ALLOW)`;
}

const named = (kind: string, group: string): string => (group === '' ? kind : `${kind}.${group}`);

/** Why a scope is not allowed, as the end of a sentence; undefined when it is. */
export function scopeRefusal(scope: KubernetesTriggerSpec['scope'], policy: WatchPolicy): string | undefined {
  if (scope === 'namespace' || policy.scopes.includes(scope)) return undefined;
  return `must be namespace, found ${scope}: the operator of this gateway has to allow it with TRIGATE_KUBERNETES_SCOPES`;
}
