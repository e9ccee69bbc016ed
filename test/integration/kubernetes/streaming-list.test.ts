import { afterAll, beforeAll, expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { WatchEvent } from '../../../src/resources/watch-events.ts';
import { configMapType } from '../../../src/standalone/api/core-types.ts';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { type ClusterClient, clusterClient, installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';
import { eventually } from '../../support/eventually.ts';
import { gated } from '../../support/gated-resources.ts';
import { startRecorder } from '../../support/recorder.ts';
import { startWatchController } from '../../support/watch-controller.ts';

let api: KubeApi;
let client: ClusterClient;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  api = await startKubeApi();
  client = clusterClient(api);
  await installCrds(api, (await command(['crds'])).stdout);
}, BUILDING_MS);
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await api?.stop();
});

const configMap = (name: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels: { listed: 'yes' } },
  data: { value: '1' },
});

const write = (name: string, value: string) =>
  client.resources.patch(configMapType, 'default', name, { data: { value } });

test('a kube-apiserver streams what there is, says where that ends, and goes on with what changes', async () => {
  for (const name of ['one', 'two']) await client.resources.create(configMapType, configMap(name));
  const ending = new AbortController();
  const options = { namespace: 'default', labelSelector: 'listed=yes', sendInitialEvents: true, signal: ending.signal };
  const seen: string[] = [];
  for await (const event of await client.resources.watch(configMapType, options)) {
    seen.push(shown(event));
    if (seen.length === 3) await write('one', '2');
    if (seen.length === 4) break;
  }
  ending.abort();
  expect(seen.slice(0, 2).sort()).toEqual(['ADDED one', 'ADDED two']);
  expect(seen.slice(2)).toEqual(['the end of what there was', 'MODIFIED one']);
});

const shown = (event: WatchEvent): string => {
  if (event.type !== 'BOOKMARK') return `${event.type} ${event.object.metadata.name}`;
  return event.endsInitial ? 'the end of what there was' : 'a bookmark';
};

test('what a kube-apiserver has forgotten is found by a streaming list, and comes once', async () => {
  await using recorder = await startRecorder(['f']);
  const apiVersion = 'kubeless.io/v1beta1';
  await client.resources.create<KubernetesObject>(functionType, {
    apiVersion,
    kind: 'Function',
    metadata: { name: 'f', namespace: 'default', labels: { app: 'f' } },
    spec: { endpoint: recorder.url('f'), handler: 'a.b', runtime: 'none' },
  });
  await client.resources.create<KubernetesObject>(kubernetesTriggerType, {
    apiVersion,
    kind: 'KubernetesTrigger',
    metadata: { name: 'maps', namespace: 'default' },
    spec: {
      resource: { apiVersion: 'v1', kind: 'ConfigMap' },
      labelSelector: { matchLabels: { forgotten: 'yes' } },
      functionSelector: { matchLabels: { app: 'f' } },
    },
  });
  const way = gated(client.resources);
  const controller = await startWatchController(client.resources, { watched: () => way.resources });
  try {
    await eventually('it watches', () => controller.controller.views().some(({ connected }) => connected));
    for (const name of ['kept', 'gone'])
      await client.resources.create<KubernetesObject>(configMapType, {
        ...configMap(name),
        metadata: { name, namespace: 'default', labels: { forgotten: 'yes' } },
      });
    await recorder.waitFor('both', ({ records }) => records.length === 2);
    way.cut();
    await write('kept', '2');
    await client.resources.delete(configMapType, 'default', 'gone');
    await api.compact();
    await api.restart();
    way.open();
    await recorder.waitFor('what differs', ({ records }) => records.length === 4, 60_000);
    await write('kept', '3');
    await recorder.waitFor('what changes then', ({ records }) => records.length === 5);
    const told = recorder.records.map(({ headers, body }) => {
      const { metadata, data } = JSON.parse(body ?? '{}');
      const collapsed = headers['event-collapsed'] === 'true' ? ' collapsed' : '';
      return `${headers['x-kubernetes-event-type']} ${metadata.name}${data === undefined ? '' : `=${data.value}`}${collapsed}`;
    });
    expect(told.slice(2, 4).sort()).toEqual(['DELETED gone collapsed', 'MODIFIED kept=2 collapsed']);
    expect(told[4]).toBe('MODIFIED kept=3');
    expect(way.streams).toBe(1);
    const [trigger] = controller.delivery.report().triggers;
    expect(trigger?.gaps).toHaveLength(1);
  } finally {
    await controller.close();
  }
});
