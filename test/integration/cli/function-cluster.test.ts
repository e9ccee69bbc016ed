import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesObject, ResourceType } from '../../../src/domain/resource.ts';
import { BUILDING_MS } from '../../services/kube-apiserver/start.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { podAddress } from '../../support/cluster-objects.ts';
import { eventually } from '../../support/eventually.ts';
import { startKubelet } from '../../support/kubelet.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { core, createFunction, said, words } from './function-parts.ts';
import { type World, worlds } from './worlds.ts';

let folder: TempDir;
beforeAll(async () => {
  await kubeApiCanStart();
  folder = await tempDir('function');
}, BUILDING_MS);
afterAll(() => folder?.remove());

let count = 0;
let name: string;
beforeEach(() => {
  name = `f${++count}`;
});

describe('a function in a cluster', () => {
  let world: World;
  let recorder: Recorder;
  beforeAll(async () => {
    world = await worlds[1].open();
    recorder = await startRecorder(['hello'], podAddress());
  }, BUILDING_MS);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await recorder?.[Symbol.asyncDispose]();
  });

  /** What Kubeless' controller, and Kubernetes', would have made; an API server calls nothing but Pods. */
  async function withService(behind: string, onNode: object = {}): Promise<void> {
    const { hostname: ip, port } = new URL(behind);
    const metadata = { name, namespace: 'default', labels: { function: name } };
    const create = (kind: string, plural: string, rest: object) =>
      world.resources.create<KubernetesObject>(core(kind, plural), { apiVersion: 'v1', kind, metadata, ...rest });
    await createFunction(world, name, { handler: 'a.b', runtime: 'nodejs14' });
    await create('ServiceAccount', 'serviceaccounts', {});
    const account = { serviceAccountName: name, automountServiceAccountToken: false };
    const spec = { ...account, containers: [{ name, image: 'x' }], ...onNode };
    const pod = await create('Pod', 'pods', { spec });
    await world.resources.replaceStatus(core('Pod', 'pods'), { ...pod, status: { podIP: ip, podIPs: [{ ip }] } });
    await create('Service', 'services', { spec: { ports: [{ name: 'http-function-port', port: 8080 }] } });
    const addresses = [{ ip, targetRef: { kind: 'Pod', name, namespace: 'default' } }];
    const ports = [{ name: 'http-function-port', port: Number(port) }];
    await create('Endpoints', 'endpoints', { subsets: [{ addresses, ports }] });
  }

  test('is called, and counted, through the proxy of the API server', async () => {
    await withService(recorder.url('hello'));
    recorder.behave('hello', ({ path }) => ({
      type: 'answer',
      status: 200,
      body:
        path === '/metrics'
          ? 'function_calls_total{method="POST"} 4\nfunction_duration_seconds_sum{method="POST"} 2\n'
          : 'hi',
    }));
    expect(await world.run(['function', 'call', name, '-d', '{"a":1}'])).toEqual({
      code: 0,
      stdout: 'hi\n',
      stderr: '',
    });
    expect(recorder.records.at(-1)).toMatchObject({
      method: 'POST',
      path: '/',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json', 'event-namespace': 'cli.kubeless.io' },
    });
    expect(recorder.records.at(-1)?.headers.authorization).toBeUndefined();
    const { stdout } = await world.run(words(`function top -f ${name} -o json`));
    expect(JSON.parse(stdout)).toEqual([
      {
        function: name,
        namespace: 'default',
        method: 'POST',
        total_calls: 4,
        total_failures: 0,
        total_duration_seconds: 2,
        avg_duration_seconds: 0.5,
      },
    ]);
    recorder.behave('hello', { type: 'answer', status: 503, body: 'busy' });
    expect((await world.run(words(`function call ${name}`))).stderr).toBe(
      said(`FATA[0000] Function ${name} answered 503: busy`),
    );
  });

  test('has the log of its Pod, also while it is written', async () => {
    await using kubelet = await startKubelet(folder.path, podAddress());
    const type: ResourceType = { ...core('Node', 'nodes'), namespaced: false };
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } };
    const stored = await world.resources.create<KubernetesObject>(type, node);
    const addresses = [{ type: 'InternalIP', address: podAddress() }];
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } };
    await world.resources.replaceStatus(type, { ...stored, status });
    await withService(recorder.url('hello'), { nodeName: 'node' });

    kubelet.print('first');
    const once = await world.run(['function', 'logs', name, '--tail', '5']);
    expect(once).toEqual({ code: 0, stdout: 'first\n', stderr: '' });
    expect(kubelet.asked.at(-1)).toMatch(new RegExp(`^/containerLogs/default/${name}/${name}\\?.*tailLines=5`));

    const stop = new AbortController();
    let followed = '';
    const terminal = { signal: stop.signal, stdout: { write: (text: string) => (followed += text) } };
    const following = world.run(['function', 'logs', name, '--follow'], terminal);
    await eventually('it follows', () => followed === 'first\n');
    kubelet.print('second');
    await eventually('the line has come', () => followed === 'first\nsecond\n');
    stop.abort();
    expect(await following).toMatchObject({ code: 0, stderr: '' });
  });

  test('has the state of its Deployment', async () => {
    await createFunction(world, name, { handler: 'a.b', runtime: 'nodejs14' });
    const labels = { 'created-by': 'kubeless', function: name };
    const type: ResourceType = { ...core('Deployment', 'deployments'), group: 'apps' };
    const stored = await world.resources.create<KubernetesObject>(type, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default' },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name, image: 'x' }] } },
      },
    });
    const list = async () => (await world.run(words(`function ls ${name} --no-headers`))).stdout;
    expect(await list()).toMatch(/ 0\/0 NOT READY\n$/);
    await world.resources.replaceStatus(type, { ...stored, status: { replicas: 2, readyReplicas: 1 } });
    expect(await list()).toMatch(/ 1\/2 READY\n$/);
  });
});
