import {
  apiVersionOf,
  type DiscoveredType,
  type Resources,
  type Scope,
  selectorQuery,
  TrigateError,
} from '../../src/sdk.ts';
import { refusalOf, scopeRefusal, type WatchPolicy } from './policy.ts';
import type { KubernetesTriggerSpec } from './spec.ts';
import { isComparable } from './version.ts';

/** What a trigger watches, as the API server has it. */
export interface WatchTarget {
  readonly type: DiscoveredType;
  readonly scope: Scope;
}

/** What the paths of the API are asked for, by `apiVersion`. */
export type Discover = Resources['discover'];

/**
 * Looks up what a trigger means, and checks again whether it may: what is stored may be older than the rules.
 * @throws TrigateError NOT_FOUND while the API server has no such kind; FORBIDDEN; INVALID_ARGUMENT
 */
export async function findTarget(
  discover: Discover,
  spec: KubernetesTriggerSpec,
  namespace: string,
  policy: WatchPolicy,
): Promise<WatchTarget> {
  const { resource, scope } = spec;
  refuse('spec.resource.kind', refusalOf(resource, policy));
  refuse('spec.scope', scopeRefusal(scope, policy));
  const type = await discovered(discover, resource);
  const named = `The ${resource.kind} in ${resource.apiVersion}`;
  if (!type.verbs.includes('watch') || !type.verbs.includes('list')) {
    throw new TrigateError(
      'INVALID_ARGUMENT',
      `${named} cannot be watched; the API server knows only ${type.verbs.join(', ')}.`,
    );
  }
  checkPlural(resource, type);
  checkScope(named, scope, type);
  return {
    type,
    scope: {
      namespace: scope === 'namespace' ? namespace : undefined,
      labelSelector: selectorQuery(spec.labelSelector),
      fieldSelector: spec.fieldSelector,
    },
  };
}

async function discovered(
  discover: Discover,
  { apiVersion, kind }: KubernetesTriggerSpec['resource'],
): Promise<DiscoveredType> {
  const types = await discover(apiVersion).catch((thrown) => {
    if (thrown instanceof TrigateError && thrown.code === 'NOT_FOUND') return [];
    throw thrown;
  });
  const found = types.find((type) => type.kind === kind);
  if (found !== undefined) return found;
  throw new TrigateError(
    'NOT_FOUND',
    `The API server has no ${kind} in ${apiVersion} now; the watch begins when it has.`,
  );
}

function refuse(field: string, problem: string | undefined): void {
  if (problem !== undefined) throw new TrigateError('FORBIDDEN', `${field} ${problem}.`);
}

/**
 * The admission policy of the chart asks whether the author may watch the plural that it is told, or guesses; only that one
 * is watched.
 */
function checkPlural({ kind, plural }: KubernetesTriggerSpec['resource'], type: DiscoveredType): void {
  if ((plural ?? guessedPlural(kind)) === type.plural) return;
  const found = plural === undefined ? 'is missing and cannot be told from the kind' : `is "${plural}"`;
  throw new TrigateError(
    'INVALID_ARGUMENT',
    `spec.resource.plural ${found}: the API server calls the ${kind} ${type.plural}.`,
  );
}

/** As the policy guesses it. */
export function guessedPlural(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('s')) return `${lower}es`;
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

function checkScope(named: string, scope: KubernetesTriggerSpec['scope'], type: DiscoveredType): void {
  if (type.namespaced === (scope !== 'cluster')) return;
  const wanted = type.namespaced
    ? 'has namespaces: spec.scope must be namespace or allNamespaces'
    : 'has no namespace: spec.scope must be cluster';
  throw new TrigateError('INVALID_ARGUMENT', `${named} ${wanted}, found ${scope}.`);
}

/** Names a target in sentences: `pods in shop`. */
export function describeTarget({ type, scope }: WatchTarget): string {
  const where = !type.namespaced ? '' : scope.namespace === undefined ? ' in all namespaces' : ` in ${scope.namespace}`;
  const which = [scope.labelSelector, scope.fieldSelector].filter(Boolean).join(' and ');
  return `${type.plural}${where}${which === '' ? '' : ` with ${which}`}`;
}

export const namesOf = ({ type }: WatchTarget) => ({ apiVersion: apiVersionOf(type), kind: type.kind });

/** The version of what there is now. */
export async function currentVersion(resources: Resources, target: WatchTarget): Promise<string> {
  const { resourceVersion } = await resources.list(target.type, { ...target.scope, limit: 1 });
  if (!isComparable(resourceVersion)) throw notComparable(target, resourceVersion);
  return resourceVersion;
}

export const notComparable = ({ type }: WatchTarget, version: string): TrigateError =>
  new TrigateError(
    'NOT_IMPLEMENTED',
    `The ${type.plural} have the resource version "${version}", which is not a number: nobody could say what was sent before a restart.`,
  );
