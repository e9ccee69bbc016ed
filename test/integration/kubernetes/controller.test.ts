import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { BUILDING_MS, type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedNats } from '../../services/shared.ts';
import { checkDelivery } from '../../support/checker.ts';
import { installCrds, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { startController } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { createSubject, type TestSubject } from '../../support/nats.ts';
import { freePort } from '../../support/port.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const NAMESPACE = 'shop';
const NOTHING = { duplicates: [], missing: [], unexpected: [] };
const READ = ['get', 'list', 'watch'];

const readyz = z.object({ ready: z.boolean(), checks: z.array(z.object({ name: z.string(), ok: z.boolean() })) });

let api: KubeApi;
let nats: string;
let folder: TempDir;

/** What a controller needs of a namespace, and nothing more. */
const rights = [
  { group: 'kubeless.io', resources: ['functions'], verbs: READ },
  { group: 'kubeless.io', resources: ['natstriggers', 'cronjobtriggers'], verbs: [...READ, 'patch'] },
  { group: 'kubeless.io', resources: ['natstriggers/status', 'cronjobtriggers/status'], verbs: ['update'] },
  { group: 'kubeless.io', resources: ['kinesistriggers', 'httptriggers'], verbs: ['list', 'watch', 'patch'] },
  { group: '', resources: ['services'], verbs: READ },
  { group: 'discovery.k8s.io', resources: ['endpointslices'], verbs: READ },
];

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  nats = await sharedNats();
  folder = await tempDir('controller');
  api = await startKubeApi();
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
  const noSlices = rights.filter(({ group }) => group !== 'discovery.k8s.io');
  await apply(...account(NAMESPACE, 'controller', rights), ...account(NAMESPACE, 'blind', noSlices));
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await folder?.remove();
});

const apply = (...items: KubernetesObject[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** A kubeconfig with a token of that ServiceAccount, as TokenRequest gives them. */
async function login(name: string): Promise<Record<string, string>> {
  const token = await kubectlOk(api, ['create', 'token', name, '-n', NAMESPACE]);
  const path = join(folder.path, name);
  await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
  return { KUBECONFIG: path, NATS_URL: nats };
}

const start = async (name = 'controller', kind = 'nats') =>
  startController([kind, '--functions-namespace', NAMESPACE], await login(name));

const trigger = (name: string, topic: string, matchLabels: Record<string, string>): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'NATSTrigger',
  metadata: { namespace: NAMESPACE, name },
  spec: { topic, functionSelector: { matchLabels } },
});

/** As Kubeless installs it. */
const kubelessDefinition = (kind: string, plural: string, singular: string): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.kubeless.io` },
  spec: {
    group: 'kubeless.io',
    scope: 'Namespaced',
    names: { kind, plural, singular },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

const waitFor = (condition: string, name: string): Promise<string> =>
  kubectlOk(api, ['wait', '-n', NAMESPACE, `--for=condition=${condition}`, '--timeout=20s', `nt/${name}`]);

/** Nothing twice, nothing missing: what each pod got counts for its function. */
function expectOnceEach(recorder: Recorder, subject: TestSubject, functions: readonly string[], count: number): void {
  const records = recorder.records.map((record) => ({ ...record, function: record.function.replace(/-pod\d$/, '') }));
  const found = checkDelivery({ functions, bodies: subject.bodies(count) }, records);
  expect(found).toEqual(NOTHING);
}

describe('a controller in a cluster, with the rights of a Role', () => {
  test('spreads the calls over the pods that are ready, and tells in its status what it does', async () => {
    await using subject = await createSubject(nats);
    await using recorder = await startRecorder(['audit-pod1', 'audit-pod2', 'audit-pod3'], podAddress());
    const slice = (pod: string, ready = true) => endpointSlice(NAMESPACE, 'audit', recorder.url(pod), ready, pod);
    await apply(functionObject(NAMESPACE, 'audit', { app: 'audit' }), slice('audit-pod1'), slice('audit-pod2'));
    await apply(slice('audit-pod3', false), trigger('spread', subject.name, { app: 'audit' }));
    await using controller = await start();
    await waitFor('Ready', 'spread');
    await subject.publish(200);
    await recorder.waitFor('200 events', ({ records }) => records.length >= 200);
    expectOnceEach(recorder, subject, ['audit'], 200);
    expect(recorder.of('audit-pod1').length).toBeGreaterThan(50);
    expect(recorder.of('audit-pod2').length).toBeGreaterThan(50);
    expect(recorder.of('audit-pod3')).toEqual([]);

    await apply(slice('audit-pod3'), slice('audit-pod1', false), slice('audit-pod2', false));
    await eventually('the pods have changed', async () => {
      await subject.publish(1, { from: 200 });
      return recorder.of('audit-pod3').length > 0;
    });
    const status = JSON.parse(await kubectlOk(api, ['get', '-n', NAMESPACE, 'nt', 'spread', '-o', 'json'])).status;
    expect(status.functions).toEqual(['audit']);
    await controller.stop();
  });

  test('follows the labels of functions, and a Service that its owner labelled', async () => {
    await using subject = await createSubject(nats);
    await using recorder = await startRecorder(['first', 'second'], podAddress());
    const labelled = { 'trigate.dev/function': 'true', app: 'labels' };
    await apply(
      functionObject(NAMESPACE, 'first', { app: 'labels' }),
      endpointSlice(NAMESPACE, 'first', recorder.url('first')),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: NAMESPACE, name: 'second', labels: labelled },
        spec: { ports: [{ name: 'http', port: 80 }] },
      },
      endpointSlice(NAMESPACE, 'second', recorder.url('second')),
      trigger('labels', subject.name, { app: 'labels' }),
    );
    await using controller = await start();
    await waitFor('Ready', 'labels');
    await subject.publish(10);
    await recorder.waitFor('both got all', ({ distinct }) => distinct() === 20);
    await kubectlOk(api, ['label', '-n', NAMESPACE, 'fn', 'first', 'app-']);
    await eventually('one function is left', async () => {
      const [report] = (await controller.ledger()).triggers.filter(({ name }) => name === 'labels');
      const stored = await kubectlOk(api, [
        'get',
        '-n',
        NAMESPACE,
        'nt',
        'labels',
        '-o',
        'jsonpath={.status.functions}',
      ]);
      return report !== undefined && stored === '["second"]';
    });
    await subject.publish(10, { from: 10 });
    await recorder.waitFor('the other got the rest', ({ of }) => of('second').length === 20);
    expect(checkDelivery({ functions: ['second'], bodies: subject.bodies(20) }, recorder.of('second'))).toEqual(
      NOTHING,
    );
    expect(checkDelivery({ functions: ['first'], bodies: subject.bodies(10) }, recorder.of('first'))).toEqual(NOTHING);
    expect((await controller.ledger()).balanced).toBe(true);
  });

  test('goes on delivering while the API server is away, and sees afterwards what has changed', async () => {
    await using subject = await createSubject(nats);
    await using recorder = await startRecorder(['steady', 'late'], podAddress());
    await apply(
      functionObject(NAMESPACE, 'steady', { app: 'steady' }),
      endpointSlice(NAMESPACE, 'steady', recorder.url('steady')),
      trigger('steady', subject.name, { app: 'steady' }),
    );
    await using controller = await start();
    await waitFor('Ready', 'steady');
    const sent = (count: number) => recorder.waitFor(`${count} events`, ({ of }) => of('steady').length >= count);
    await subject.publish(100);
    await sent(100);
    await api.down('SIGKILL');
    await subject.publish(100, { from: 100 });
    await sent(200);
    expect(await controller.isReady()).toBe(true);
    const coming = api.up();
    await subject.publish(300, { from: 200, chunk: 10, pace: (published) => sent(190 + published) });
    await coming;
    await sent(500);

    await apply(
      functionObject(NAMESPACE, 'late', { app: 'steady' }),
      endpointSlice(NAMESPACE, 'late', recorder.url('late')),
    );
    await eventually(
      'the new function is seen',
      async () => {
        const stored = await kubectlOk(api, [
          'get',
          '-n',
          NAMESPACE,
          'nt',
          'steady',
          '-o',
          'jsonpath={.status.functions}',
        ]);
        return stored === '["late","steady"]';
      },
      { within: 40_000, every: 200 },
    );
    expectOnceEach(recorder, subject, ['steady'], 500);
  });

  test('is ready though the broker cannot be reached: the trigger says so, and no pod is taken out of service', async () => {
    await using recorder = await startRecorder(['unreached'], podAddress());
    await apply(
      functionObject(NAMESPACE, 'unreached', { app: 'unreached' }),
      endpointSlice(NAMESPACE, 'unreached', recorder.url('unreached')),
      trigger('unreached', 'kubernetes.unreached', { app: 'unreached' }),
    );
    const env = { ...(await login('controller')), NATS_URL: `nats://127.0.0.1:${await freePort()}` };
    await using controller = await startController(['nats', '--functions-namespace', NAMESPACE], env);
    await waitFor('SourceConnected=False', 'unreached');
    expect(await controller.isReady()).toBe(true);
    const { ready, checks } = readyz.parse(await (await fetch(`${controller.url}/readyz`)).json());
    expect([ready, checks.find(({ name }) => name === `nats/${NAMESPACE}/unreached`)?.ok]).toEqual([true, false]);
  });

  test('two of them share the events of a trigger, and write its status once', async () => {
    await using subject = await createSubject(nats);
    await using recorder = await startRecorder(['shared'], podAddress());
    await apply(
      functionObject(NAMESPACE, 'shared', { app: 'shared' }),
      endpointSlice(NAMESPACE, 'shared', recorder.url('shared')),
      trigger('shared', subject.name, { app: 'shared' }),
    );
    await using one = await start();
    await using other = await start();
    await waitFor('Ready', 'shared');
    const version = () =>
      kubectlOk(api, ['get', '-n', NAMESPACE, 'nt', 'shared', '-o', 'jsonpath={.metadata.resourceVersion}']);
    const before = await version();
    await subject.publish(400);
    await recorder.waitFor('400 events', ({ distinct }) => distinct() >= 400);
    expectOnceEach(recorder, subject, ['shared'], 400);
    for (const { ledger } of [one, other]) {
      const report = (await ledger()).triggers.find(({ name }) => name === 'shared');
      expect(report?.functions[0]?.delivered).toBeGreaterThan(0);
    }
    expect(await version()).toBe(before);
  });

  test('two of them fire each tick of a schedule once', async () => {
    await using recorder = await startRecorder(['tick'], podAddress());
    await apply(
      functionObject(NAMESPACE, 'tick', { app: 'tick' }),
      endpointSlice(NAMESPACE, 'tick', recorder.url('tick')),
      {
        apiVersion: 'kubeless.io/v1beta1',
        kind: 'CronJobTrigger',
        metadata: { namespace: NAMESPACE, name: 'ticks' },
        spec: { schedule: '@every 1s', 'function-name': 'tick', payload: { a: 1 } },
      },
    );
    await using _one = await start('controller', 'cronjob');
    await using _other = await start('controller', 'cronjob');
    await recorder.waitFor('five ticks', ({ records }) => records.length >= 5);
    await kubectlOk(api, ['delete', '-n', NAMESPACE, 'cjt', 'ticks']);
    expect(recorder.distinct()).toBe(recorder.records.length);
  });

  test('lets go of a trigger that a controller of Kubeless held', async () => {
    const held = trigger('held', 'kubernetes.held', { app: 'held' });
    await apply({
      ...held,
      metadata: { ...held.metadata, finalizers: ['kubeless.io/natstrigger', 'example.com/other'] },
    });
    await using _controller = await start();
    await kubectlOk(api, ['delete', '-n', NAMESPACE, 'nt', 'held', '--wait=false']);
    await eventually('only the finalizer of others is left', async () => {
      const left = await kubectlOk(api, [
        'get',
        '-n',
        NAMESPACE,
        'nt',
        'held',
        '-o',
        'jsonpath={.metadata.finalizers}',
      ]);
      return left === '["example.com/other"]';
    });
  });

  test("lets go of Kubeless' triggers of a kind that nobody runs any more", async () => {
    await apply(kubelessDefinition('KinesisTrigger', 'kinesistriggers', 'kinesistrigger'));
    await kubectlOk(api, ['wait', '--for=condition=Established', 'crd/kinesistriggers.kubeless.io']);
    const object = (name: string) => ({
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'KinesisTrigger',
      metadata: { namespace: NAMESPACE, name, finalizers: ['kubeless.io/kenisistrigger'] },
    });
    await apply(object('old'), object('kept'));
    await using _controller = await start();
    await kubectlOk(api, ['delete', '-n', NAMESPACE, 'kinesistriggers', 'old', '--timeout=20s']);
    expect(await kubectlOk(api, ['get', '-n', NAMESPACE, 'kinesistriggers', '-o', 'name'])).toBe(
      'kinesistrigger.kubeless.io/kept\n',
    );
  });

  test('without the right to read EndpointSlices calls functions by their Services, and says so', async () => {
    await using controller = await start('blind');
    expect(await controller.process.line(/EndpointSlices cannot be read/)).toContain('names of their Services');
  });
});

test('a kind that does not exist is a sentence', async () => {
  const { code, stderr } = await command(['controller', 'kafak']);
  expect(stderr).toMatch(/The kind must be one of kafka, nats, cronjob, kubernetes, found \\"kafak\\"/);
  expect(code).toBe(1);
});
