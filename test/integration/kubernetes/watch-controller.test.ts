import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { createResources } from '../../../src/resources/client.ts';
import { type WatchCheckpoint, watchCheckpointType } from '../../../triggers/kubernetes/checkpoint.ts';
import { BUILDING_MS, type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { installCrds, kubectl, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { startController } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/gateway.ts';
import { functionAt } from '../../support/manifests.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const NAMESPACE = 'shop';
const READ = ['get', 'list', 'watch'];
/** All that a controller of watches needs of a namespace, beside the right to list and watch what triggers ask for. */
const rights = [
  { group: 'kubeless.io', resources: ['functions'], verbs: READ },
  { group: 'kubeless.io', resources: ['kubernetestriggers'], verbs: [...READ, 'patch'] },
  { group: 'kubeless.io', resources: ['kubernetestriggers/status'], verbs: ['update'] },
  { group: 'kubeless.io', resources: ['watchcheckpoints'], verbs: ['get', 'watch', 'create', 'delete'] },
  { group: 'kubeless.io', resources: ['watchcheckpoints/status'], verbs: ['update'] },
  { group: '', resources: ['services'], verbs: READ },
  { group: 'discovery.k8s.io', resources: ['endpointslices'], verbs: READ },
];
const watched = [
  { group: '', resources: ['configmaps'], verbs: ['list', 'watch'] },
  { group: 'example.com', resources: ['widgets'], verbs: ['list', 'watch'] },
];

let api: KubeApi;
let folder: TempDir;
let recorder: Recorder;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  folder = await tempDir('watch');
  api = await startKubeApi();
  recorder = await startRecorder(['f'], podAddress());
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
  await apply(
    ...account(NAMESPACE, 'controller', [...rights, ...watched]),
    functionObject(NAMESPACE, 'f', { app: 'f' }),
    endpointSlice(NAMESPACE, 'f', recorder.url('f')),
  );
}, BUILDING_MS);
afterAll(async () => {
  await recorder?.close();
  await api?.stop();
  await folder?.remove();
});

const apply = (...items: object[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

async function start() {
  const token = await kubectlOk(api, ['create', 'token', 'controller', '-n', NAMESPACE]);
  const path = join(folder.path, 'kubeconfig');
  await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
  return startController(['kubernetes', '--functions-namespace', NAMESPACE], { KUBECONFIG: path });
}

const trigger = (name: string, kind: string, apiVersion = 'v1', spec: object = {}): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KubernetesTrigger',
  metadata: { namespace: NAMESPACE, name },
  spec: { resource: { apiVersion, kind }, functionSelector: { matchLabels: { app: 'f' } }, ...spec },
});

const configMap = (name: string, value: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: NAMESPACE, name },
  data: { value },
});

const waitFor = (condition: string, name: string): Promise<string> =>
  kubectlOk(api, ['wait', '-n', NAMESPACE, `--for=condition=${condition}`, '--timeout=60s', `k8st/${name}`]);

async function messageOf(name: string): Promise<string> {
  const { status } = JSON.parse(await kubectlOk(api, ['get', '-n', NAMESPACE, 'k8st', name, '-o', 'json']));
  const ready = status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
  return `${ready?.reason} ${ready?.message}`;
}

const says = (name: string, pattern: RegExp) =>
  eventually(`${name} says ${pattern}`, async () => pattern.test(await messageOf(name)), {
    within: 60_000,
    every: 200,
  });

const events = () =>
  recorder.of('f').map(({ headers, body }) => {
    const { metadata, data, spec } = JSON.parse(body ?? '{}');
    return `${headers['x-kubernetes-event-type']} ${metadata.name} ${data?.value ?? spec?.size}`;
  });

describe('a controller of watches, with the rights of a Role', () => {
  test('sends each change once, over a kill, a restart of the API server and a compaction', async () => {
    await apply(trigger('maps', 'ConfigMap', 'v1', { fieldSelector: 'metadata.name!=kube-root-ca.crt' }));
    const first = await start();
    await waitFor('Ready', 'maps');
    await apply(configMap('a', '1'));
    await apply(configMap('a', '2'));
    await recorder.waitFor('two events', ({ records }) => records.length === 2);
    // The outcomes are stored with the position, within a second.
    await eventually('both are settled', async () => {
      const { items } = JSON.parse(await kubectlOk(api, ['get', '-n', NAMESPACE, 'wcp', '-o', 'json']));
      return JSON.stringify(items[0]?.status).includes('"delivered":2');
    });
    await first.process.stop('SIGKILL', 0);
    await apply(configMap('a', '3'));
    await using second = await start();
    await recorder.waitFor('what happened meanwhile', ({ records }) => records.length === 3, 90_000);
    await api.compact();
    await api.restart();
    await apply(configMap('b', '1'));
    await recorder.waitFor('what comes after the restart', ({ records }) => records.length === 4, 60_000);
    expect(events()).toEqual(['ADDED a 1', 'MODIFIED a 2', 'MODIFIED a 3', 'ADDED b 1']);
    const [first4] = recorder.of('f');
    expect(first4?.body).not.toMatch(/managedFields|last-applied/);
    expect(recorder.distinct()).toBe(4);
    await second.stop();
  });

  test('says which verbs are missing, and what it does not watch', async () => {
    // A controller with a trigger that it cannot serve does not become ready.
    await using _controller = await start();
    await apply(
      trigger('denied', 'Pod'),
      trigger('secrets', 'Secret'),
      trigger('leases', 'Lease', 'coordination.k8s.io/v1'),
      trigger('wide', 'ConfigMap', 'v1', { scope: 'allNamespaces' }),
      trigger('fields', 'ConfigMap', 'v1', { fieldSelector: 'data.value=1' }),
    );
    await says(
      'denied',
      /^FORBIDDEN This gateway may not list and not watch pods in shop; a Role has to allow it: pods is forbidden/,
    );
    await says('secrets', /^InvalidSpec spec.resource.kind must not be Secret: .*TRIGATE_KUBERNETES_ALLOW/);
    await says('leases', /^InvalidSpec spec.resource.kind must not be Lease.coordination.k8s.io/);
    await says('wide', /^InvalidSpec spec.scope must be namespace/);
    await says('fields', /data\.value/);
    await kubectlOk(api, ['delete', '-n', NAMESPACE, 'k8st', 'denied', 'secrets', 'leases', 'wide', 'fields']);
  });

  test('waits for a resource that is not installed yet', async () => {
    await using _controller = await start();
    await apply(trigger('widgets', 'Widget', 'example.com/v1'));
    await says(
      'widgets',
      /^NOT_FOUND The API server has no Widget in example.com\/v1 now; the watch begins when it has/,
    );
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { kind: 'Widget', plural: 'widgets' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    };
    await installCrds(api, JSON.stringify(crd));
    await waitFor('Ready', 'widgets');
    const before = recorder.records.length;
    await apply({
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { namespace: NAMESPACE, name: 'w' },
      spec: { size: 3 },
    });
    await recorder.waitFor('the widget', ({ records }) => records.length > before);
    expect(events().at(-1)).toBe('ADDED w 3');
  });
});

test('a standalone gateway watches a real cluster with --kubeconfig, and keeps its triggers and claims at home', async () => {
  await using functions = await startRecorder(['f']);
  await using gateway = await startGateway({
    args: ['--kubeconfig', api.kubeconfig],
    manifests: [
      functionAt('f', functions.url('f'), { app: 'f' }),
      { ...trigger('maps', 'ConfigMap'), metadata: { name: 'maps' } },
    ],
  });
  await eventually('an event of the cluster', async () => {
    await apply({
      ...configMap('from-cluster', `${Math.random()}`),
      metadata: { namespace: 'default', name: 'from-cluster' },
    });
    return functions.records.length > 0;
  });
  expect(functions.records.at(-1)?.body).toContain('from-cluster');
  expect(await kubectlOk(api, ['get', '-n', 'default', 'wcp', '-o', 'name'])).toBe('');
  // Its position would mean something else in another cluster.
  const atHome = createResources({ url: gateway.url });
  const { items } = await atHome.list<WatchCheckpoint>(watchCheckpointType, { namespace: 'default' });
  await atHome.close();
  const uid = await kubectlOk(api, ['get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}']);
  expect(items.map(({ spec }) => spec?.cluster)).toEqual([uid]);
});

describe('the admission policy of the chart', () => {
  const as = (user: string, object: object, ...flags: string[]) =>
    kubectl(api, ['apply', '--as', user, ...flags, '-f', '-'], JSON.stringify(object));

  test('lets nobody watch through a trigger what they may not watch themselves', async () => {
    const template = await readFile(
      join(import.meta.dirname, '../../../charts/trigate/templates/kubernetes-trigger-policy.yaml'),
      'utf8',
    );
    const policy = template.replaceAll(/^\{\{-.*\}\}$/gm, '').replaceAll(/\{\{ \.Release\.\w+ \}\}/g, 'trigate');
    await kubectlOk(api, ['apply', '-f', '-'], policy);
    const write = {
      group: 'kubeless.io',
      resources: ['kubernetestriggers'],
      verbs: ['get', 'create', 'patch', 'update'],
    };
    const user = `system:serviceaccount:${NAMESPACE}:author`;
    const mayWatch = (resources: string[]) => ({ group: '', resources, verbs: ['get', 'list', 'watch'] });
    await apply(...account(NAMESPACE, 'author', [write, mayWatch(['configmaps', 'endpoints'])]));

    // It takes the API server a moment to learn of a policy; what it stored before, an unchanged apply would not ask again.
    const refused = 'may not list pods in namespace shop';
    await eventually('the policy holds', async () =>
      (await as(user, trigger('pods', 'Pod'), '--dry-run=server')).stderr.includes(refused),
    );
    expect((await as(user, trigger('pods', 'Pod'))).stderr).toContain(refused);
    expect((await as(user, trigger('mine', 'ConfigMap'))).code).toBe(0);
    const asked = (name: string, kind: string, plural: string) =>
      trigger(name, kind, 'v1', { resource: { apiVersion: 'v1', kind, plural } });
    expect((await as(user, asked('ends', 'Endpoints', 'endpoints'))).code).toBe(0);
    expect((await as(user, trigger('guessed', 'NetworkPolicy', 'networking.k8s.io/v1'))).stderr).toContain(
      'may not list networkpolicies.networking.k8s.io in namespace shop',
    );
    expect((await as(user, trigger('all', 'ConfigMap', 'v1', { scope: 'allNamespaces' }))).stderr).toContain(
      'may not list configmaps in the whole cluster',
    );
    // Also by way of an update; and a plural that one may watch does not open another kind: the controller compares them.
    expect((await as(user, trigger('mine', 'Pod'))).stderr).toContain('may not list pods');
    await kubectlOk(api, ['delete', '-n', NAMESPACE, 'k8st', 'ends']);
    await using _controller = await start();
    expect((await as(user, asked('lie', 'Pod', 'configmaps'))).code).toBe(0);
    await says('lie', /spec.resource.plural is "configmaps": the API server calls the Pod pods/);
  });
});
