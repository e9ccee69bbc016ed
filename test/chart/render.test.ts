import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { clusterKindNames } from '../../src/cli/cluster-kinds.ts';
import { helmBinary } from '../services/helm/helm.ts';
import { command } from '../support/command.ts';
import { CHART, ciValues, deployment, helm, objectsIn, valuesFile } from '../support/helm.ts';
import { type TempDir, tempDir } from '../support/temp.ts';

const BUILDING_MS = 900_000;

let home: TempDir;

beforeAll(async () => {
  home = await tempDir('helm');
  await helmBinary();
}, BUILDING_MS);
afterAll(async () => {
  await home?.remove();
});

async function render(...args: string[]) {
  const { code, stdout, stderr } = await helm(home.path, ['template', 'trigate', CHART, '-n', 'shop', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return objectsIn(stdout);
}

const refusal = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await helm(home.path, ['template', 'trigate', CHART, '-n', 'shop', ...args]);
  expect(code).toBe(1);
  return stderr;
};

test('the chart has the CustomResourceDefinitions as they are now', async () => {
  const { stdout } = await command(['crds']);
  const copy = await readFile(join(CHART, 'files/crds.yaml'), 'utf8');
  expect(copy === stdout, 'run: node src/cli/main.ts crds > charts/trigate/files/crds.yaml').toBe(true);
});

test('the chart is of the version of the program', async () => {
  const { version } = JSON.parse(await readFile(join(CHART, '../../package.json'), 'utf8'));
  expect(parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
});

test('the chart knows every kind of controller that there is, and no other', async () => {
  const kinds: unknown = parse(await readFile(join(CHART, 'files/kinds.yaml'), 'utf8'));
  const values: unknown = parse(await readFile(join(CHART, 'values.yaml'), 'utf8'));
  expect(Object.keys(Object(kinds)).toSorted()).toEqual(clusterKindNames.toSorted());
  expect(values).toMatchObject({
    controllers: Object.fromEntries(clusterKindNames.map((name) => [name, { enabled: expect.any(Boolean) }])),
  });
});

describe.each(ciValues())('with the values %s', (name) => {
  const values = ['-f', valuesFile(name)];

  test('passes helm lint --strict', async () => {
    const { code, stdout, stderr } = await helm(home.path, ['lint', '--strict', ...values, CHART]);
    expect(stdout + stderr).not.toMatch(/\[(WARNING|ERROR)\]/);
    expect(code).toBe(0);
  });

  test('names no variable of a container twice, and tells no secret', async () => {
    const objects = await render(...values);
    const deployments = objects.filter(({ kind }) => kind === 'Deployment').map((each) => deployment.parse(each));
    expect(deployments.length).toBeGreaterThan(0);
    for (const { spec } of deployments) {
      const names = spec.template.spec.containers.flatMap(({ env }) => env.map((variable) => variable.name));
      expect(names).toEqual([...new Set(names)]);
      expect(names).not.toContain('KAFKA_PASSWORD');
      expect(names).not.toContain('TRIGATE_TOKEN');
    }
  });

  test('lets nobody in by an empty namespace selector, and has a policy for every Deployment', async () => {
    const objects = await render(...values);
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
    const of = (wanted: string) => objects.filter(({ kind }) => kind === wanted).map(({ metadata }) => metadata.name);
    expect(of('NetworkPolicy').toSorted()).toEqual(of('Deployment').toSorted());
    for (const policy of policies) {
      expect(policy).toMatchObject({ spec: { policyTypes: ['Ingress', 'Egress'] } });
      const { ingress } = Object(policy.spec);
      expect(JSON.stringify(ingress)).not.toContain('"namespaceSelector":{}');
    }
  });

  test('grants no right on everything, on secrets, or to become more', async () => {
    const objects = await render(...values);
    const rules = objects.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole').map((role) => role.rules);
    expect(JSON.stringify(rules)).not.toMatch(/"(\*|secrets|pods|escalate|bind|impersonate)"/);
  });
});

test('the API server is let in where it is said where it comes from', async () => {
  const peer = { ipBlock: { cidr: '10.0.0.0/28' } };
  const rules = (objects: Awaited<ReturnType<typeof render>>) =>
    objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => Object(spec).ingress);
  const named = rules(await render('-f', valuesFile('kafka')));
  expect(named.length).toBe(2);
  for (const ingress of named) expect(ingress).toContainEqual({ from: [peer], ports: [{ port: 'http' }] });
  expect(JSON.stringify(rules(await render()))).not.toContain('ipBlock');
});

describe('Services of Knative are reached through its ingress and its activator', () => {
  const rules = async (...args: string[]) => {
    const objects = await render(...args);
    const policy = objects.find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name !== 'trigate-gateway',
    );
    return Object(policy?.spec).egress;
  };
  const to = (...values: string[]) => ({
    to: [{ namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }] } }],
  });

  test('in the namespaces that the values name', async () => {
    expect(await rules('--set', 'functions.knative=true')).toContainEqual(
      to('knative-serving', 'kourier-system', 'istio-system'),
    );
    expect(await rules('-f', valuesFile('knative'))).toContainEqual(to('knative-serving', 'contour-internal'));
  });

  test('and nothing more is let out where it is off, where none is named, or where all may be reached', async () => {
    const without = await rules();
    expect(JSON.stringify(without)).not.toContain('matchExpressions');
    expect(await rules('--set', 'functions.knative=true,functions.knativeNamespaces=null')).toEqual(without);
    const wide = await rules('--set', 'clusterWide=true');
    expect(wide).toContainEqual({ to: [{ namespaceSelector: {} }] });
    expect(await rules('--set', 'functions.knative=true,clusterWide=true')).toEqual(wide);
  });
});

test('a pod is given more time to end than it takes: what a gateway waits, and its calls', async () => {
  const objects = await render('-f', valuesFile('kafka'), '--set', 'gateway.shutdownDelaySeconds=7');
  const pods = objects
    .filter(({ kind }) => kind === 'Deployment')
    .map((each) => [each.metadata.name, Object(each.spec).template.spec] as const);
  const graces = pods.map(([name, { terminationGracePeriodSeconds }]) => [name, terminationGracePeriodSeconds]);
  expect(Object.fromEntries(graces)).toEqual({ 'trigate-kafka': 35, 'trigate-gateway': 42 });
  const delays = pods.map(([name, { containers }]) => [
    name,
    JSON.stringify(containers).includes('TRIGATE_SHUTDOWN_DELAY'),
  ]);
  expect(Object.fromEntries(delays)).toEqual({ 'trigate-kafka': false, 'trigate-gateway': true });
});

test('a namespace has Roles, all namespaces have ClusterRoles, and never both', async () => {
  const kinds = async (...args: string[]) => new Set((await render(...args)).map(({ kind }) => kind));
  const one = await kinds();
  expect([one.has('Role'), one.has('ClusterRole')]).toEqual([true, false]);
  const all = await kinds('--set', 'clusterWide=true');
  expect([all.has('Role'), all.has('ClusterRole')]).toEqual([false, true]);
});

test('functions of another namespace are reached by a Role there', async () => {
  const objects = await render('--set', 'functionsNamespace=functions');
  const roles = objects.filter(({ kind }) => kind === 'Role' || kind === 'RoleBinding');
  expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['functions', 'functions']);
  expect(roles[1]).toMatchObject({ subjects: [{ namespace: 'shop' }] });
});

describe('values that cannot be meant', () => {
  test.each([
    [
      'a kind that there is not',
      ['--set', 'controllers.kafak.enabled=true,controllers.kafak.replicas=1'],
      'controllers.kafak: the kind must be one of cronjob, kafka,',
    ],
    ['a value that nobody reads', ['--set', 'kafka.broker=a:1'], "additional properties 'broker' not allowed"],
    ['a password in a URL', ['--set', 'nats.url=nats://a:b@c'], "'nats://a:b@c' does not match pattern"],
    [
      'a login without its Secret',
      ['--set', 'controllers.kafka.enabled=true,kafka.sasl.enabled=true,kafka.sasl.username=a'],
      'kafka.sasl.existingSecret: needed with kafka.sasl.enabled',
    ],
    [
      'a gateway without a broker',
      ['--set', 'gateway.enabled=true,controllers.kubernetes.enabled=true'],
      'gateway.enabled: it publishes to the brokers of controllers, so controllers.kafka or controllers.nats must be enabled too',
    ],
    ['a broker without a port', ['--set', 'kafka.brokers={kafka}'], "'kafka' does not match pattern"],
  ])('%s is a sentence', async (_, args, sentence) => {
    expect(await refusal(...args)).toContain(sentence);
  });
});
