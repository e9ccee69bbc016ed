import { describe, expect, test } from 'vitest';
import { specIssues } from '../../src/domain/schema.ts';
import { pointerProblem, valueAt } from './pointer.ts';
import { refusalOf, scopeRefusal, strictPolicy } from './policy.ts';
import { kubernetesTriggerSpec, kubernetesTriggerSpecOf } from './spec.ts';
import { guessedPlural } from './target.ts';
import { compareVersions, isComparable, oldest } from './version.ts';

const minimal = { resource: { apiVersion: 'v1', kind: 'Pod' }, functionSelector: {} };
const issuesOf = (spec: object, schema = kubernetesTriggerSpec) =>
  specIssues(schema, { apiVersion: '', kind: '', metadata: { name: 't' }, spec: { ...minimal, ...spec } }).map(
    ({ path, message }) => `${path.join('.')} ${message}`,
  );

describe('the spec', () => {
  test('has a default for everything but the resource and the functions', () => {
    expect(kubernetesTriggerSpec.parse(minimal)).toMatchObject({
      scope: 'namespace',
      labelSelector: {},
      fieldSelector: '',
      events: ['added', 'modified', 'deleted'],
      changed: [],
      mode: 'object',
      includeExisting: false,
      paused: false,
      fanout: 'isolated',
    });
  });

  test('brings the old object along where changes are asked for', () => {
    expect(kubernetesTriggerSpec.parse({ ...minimal, changed: ['/spec'] }).mode).toBe('envelope');
    expect(kubernetesTriggerSpec.parse({ ...minimal, changed: ['/spec'], mode: 'object' }).mode).toBe('object');
  });

  test.each([
    [{ resource: { apiVersion: 'apps', kind: 'Pod' } }, 'spec.resource.apiVersion must be a version such as v1'],
    [{ resource: { apiVersion: 'v1', kind: 'pods' } }, 'spec.resource.kind must be a kind such as Pod'],
    [{ scope: '' }, 'spec.scope must be one of namespace, allNamespaces, cluster'],
    [{ events: [] }, 'spec.events must be at least 1'],
    [{ changed: ['spec'] }, 'spec.changed.0 must begin with a slash'],
    [{ changed: ['/a~2'] }, 'spec.changed.0 must write "~" as ~0'],
    [{ fieldSelector: 'a' }, 'spec.fieldSelector has the term "a"'],
    [{ labelSelector: { matchLabels: { '-': 'x' } } }, 'spec.labelSelector.matchLabels.- is invalid'],
    [{ topic: 'x' }, 'spec.topic is not a field'],
  ])('refuses %j with a sentence', (spec, sentence) => {
    expect(issuesOf(spec)).toEqual([expect.stringContaining(sentence)]);
  });

  test('refuses what the operator has not allowed, where the operator is known', () => {
    const secret = { resource: { apiVersion: 'v1', kind: 'Secret' } };
    expect(issuesOf(secret)).toEqual([]);
    expect(issuesOf(secret, kubernetesTriggerSpecOf(strictPolicy))).toEqual([
      expect.stringMatching(/^spec.resource.kind must not be Secret: /),
    ]);
    expect(issuesOf(secret, kubernetesTriggerSpecOf({ allow: ['Secret'], scopes: [] }))).toEqual([]);
    expect(issuesOf({ scope: 'cluster' }, kubernetesTriggerSpecOf(strictPolicy))).toHaveLength(1);
  });
});

describe('what is refused', () => {
  const refused = (apiVersion: string, kind: string, allow: string[] = []) =>
    refusalOf({ apiVersion, kind }, { allow, scopes: [] }) !== undefined;

  test('are secrets, identities, rights and leases, unless they are named', () => {
    expect(refused('v1', 'Secret')).toBe(true);
    expect(refused('v1', 'ServiceAccount')).toBe(true);
    expect(refused('rbac.authorization.k8s.io/v1', 'Role')).toBe(true);
    expect(refused('coordination.k8s.io/v1', 'Lease')).toBe(true);
    expect(refused('v1', 'Pod')).toBe(false);
    expect(refused('example.com/v1', 'Secret')).toBe(false);
    expect(refused('rbac.authorization.k8s.io/v1', 'Role', ['*.rbac.authorization.k8s.io'])).toBe(false);
    expect(refused('rbac.authorization.k8s.io/v1', 'Role', ['Role.rbac.authorization.k8s.io'])).toBe(false);
    expect(refused('v1', 'ServiceAccount', ['Secret'])).toBe(true);
  });

  test('are the counts that triggers of this kind write into their own status', () => {
    const watching = (spec: object) =>
      kubernetesTriggerSpec.safeParse({
        resource: { apiVersion: 'kubeless.io/v1beta1', kind: 'KubernetesTrigger' },
        functionSelector: {},
        ...spec,
      }).error?.issues[0]?.message;
    expect(watching({})).toContain('must lead into /spec, ');
    expect(watching({ changed: ['/spec', '/metadata/resourceVersion'] })).toContain('found /spec, /metadata/r');
    expect(watching({ changed: ['/spec', '/metadata/labels/app'] })).toBeUndefined();
    expect(watching({ events: ['added', 'deleted'] })).toBeUndefined();
  });

  test('are the checkpoints, whatever is allowed', () => {
    expect(refused('kubeless.io/v1beta1', 'WatchCheckpoint', ['WatchCheckpoint.kubeless.io', '*.kubeless.io'])).toBe(
      true,
    );
  });

  test('are other scopes than the own namespace, unless they are named', () => {
    expect(scopeRefusal('namespace', strictPolicy)).toBeUndefined();
    expect(scopeRefusal('allNamespaces', strictPolicy)).toContain('TRIGATE_KUBERNETES_SCOPES');
    expect(scopeRefusal('cluster', { allow: [], scopes: ['cluster'] })).toBeUndefined();
  });
});

test('a JSON pointer leads through objects and lists, and nowhere else', () => {
  const document = { a: { 'b/c': [{ d: 1 }], '~': 2 }, length: 3 };
  expect(valueAt(document, '/a/b~1c/0/d')).toBe(1);
  expect(valueAt(document, '/a/~0')).toBe(2);
  expect(valueAt(document, '/a/b~1c/length')).toBeUndefined();
  expect(valueAt(document, '/toString')).toBeUndefined();
  expect(valueAt(document, '/a/none/deeper')).toBeUndefined();
  expect(pointerProblem('/a~1b')).toBeUndefined();
});

test('resource versions are compared as numbers of any length', () => {
  expect(compareVersions('9', '10')).toBeLessThan(0);
  expect(compareVersions('9223372036854775807', '9223372036854775806')).toBeGreaterThan(0);
  expect(compareVersions('7', '7')).toBe(0);
  expect(oldest(['12', '9', '100'])).toBe('9');
  expect(oldest([])).toBeUndefined();
  expect(['1', '0', '01', 'abc', ''].map(isComparable)).toEqual([true, false, false, false, false]);
});

test('the plural is guessed as the admission policy guesses it', () => {
  expect(['Pod', 'Ingress', 'NetworkPolicy', 'Gateway'].map(guessedPlural)).toEqual([
    'pods',
    'ingresses',
    'networkpolicies',
    'gatewaies',
  ]);
});
