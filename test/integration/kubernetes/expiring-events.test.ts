import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import { total } from '../../../src/domain/ledger.ts';
import type { KubernetesObject, ResourceType } from '../../../src/domain/resource.ts';
import type { Resources, WatchOptions } from '../../../src/resources/resources.ts';
import type { WatchEvent } from '../../../src/resources/watch-events.ts';
import { readRecord, type WatchCheckpoint, watchCheckpointType } from '../../../triggers/kubernetes/checkpoint.ts';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { clusterClient, installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';
import { eventually } from '../../support/eventually.ts';
import { startProcess } from '../../support/process.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { startWatchController } from '../../support/watch-controller.ts';

/*
 * Events are stored with a lease: those of the same time expire in one revision of etcd, so that all their deletions have one
 * resource version. Between any two of them the connection may be lost, the process end, the trigger be edited.
 */

const PROGRAM = join(import.meta.dirname, '../../chaos/kubernetes/process.ts');
const EVENTS = 48;
const LONG = { within: 90_000, every: 100 };
const eventType: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: [],
  namespaced: true,
};

let api: KubeApi;
let recorder: Recorder;

beforeAll(async () => {
  api = await startKubeApi({ 'event-ttl': '20s' });
  await installCrds(api, (await command(['crds'])).stdout);
  recorder = await startRecorder(['f']);
}, BUILDING_MS);
afterAll(async () => {
  await recorder?.close();
  await api?.stop();
});

test('objects that expire together are told once each, over lost connections, a restart, a kill and an edit', {
  timeout: 180_000,
}, async () => {
  await using client = clusterClient(api);
  const { resources } = client;
  await resources.create(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { name: 'f', namespace: 'default', labels: { app: 'f' } },
    spec: { endpoint: recorder.url('f') },
  } as KubernetesObject);
  await resources.create(kubernetesTriggerType, trigger);
  const access = JSON.stringify({ url: api.url, ca: api.ca, token: api.token });
  const start = async () => {
    const controller = await startProcess(process.execPath, [PROGRAM, access, '0'], { name: 'watch' });
    await controller.line(/^running/, 60_000);
    return controller;
  };
  const row = async () => {
    const { items } = await resources.list<WatchCheckpoint>(watchCheckpointType, { namespace: 'default' });
    const [member] = [...((items[0] && readRecord(items[0]))?.members.values() ?? [])];
    return member;
  };
  const edit = (spec: object) => resources.patch(kubernetesTriggerType, 'default', 'expired', { spec });
  const more = (requests: number) => {
    const before = recorder.records.length;
    return recorder.waitFor(`${requests} more`, ({ records }) => records.length >= before + requests, LONG.within);
  };

  const first = await startWatchController(resources, { watched: () => cuttingWatches(resources, [5, 11]) });
  await eventually('the watch is held', row, LONG);
  await Promise.all(Array.from({ length: EVENTS }, (_, i) => resources.create(eventType, event(i))));
  await more(4);
  await first.close();

  const second = await start();
  await more(4);
  await second.stop('SIGKILL', 0);

  const third = await start();
  await more(3);
  await edit({ delivery: { rate: 3, room: 2, concurrency: 1 } });
  await more(3);
  await edit({ paused: true });
  await eventually('it reads no more', async () => (await row())?.at?.part !== undefined, LONG);
  await edit({ paused: false });
  const { counts, gaps } = await eventually(
    'all are decided on and settled',
    async () => {
      const member = await row();
      const found = member?.functions.get('f');
      const settled = found && found.delivered + total(found.unknown) === EVENTS;
      return settled && { counts: found, gaps: member?.gaps };
    },
    LONG,
  );
  await third.stop('SIGTERM', 30_000);

  const versions = recorder.records.map(({ body }) => JSON.parse(body ?? '{}').metadata.resourceVersion);
  expect(new Set(versions).size).toBeLessThan(4);
  expect(recorder.distinct()).toBe(recorder.records.length);
  expect(counts).toMatchObject({ claimed: EVENTS, delivered: expect.any(Number) });
  // What the killed process had claimed.
  expect(counts.unknown.crash).toBeLessThanOrEqual(2);
  expect(recorder.records.length).toBeGreaterThanOrEqual(EVENTS - counts.unknown.crash);
  expect(gaps).toBeUndefined();
});

const trigger: KubernetesObject = {
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KubernetesTrigger',
  metadata: { name: 'expired', namespace: 'default' },
  spec: {
    resource: { apiVersion: 'v1', kind: 'Event' },
    labelSelector: { matchLabels: { expires: 'yes' } },
    events: ['deleted'],
    functionSelector: { matchLabels: { app: 'f' } },
    delivery: { rate: 2, room: 1, concurrency: 1 },
  },
} as KubernetesObject;

const event = (i: number): KubernetesObject =>
  ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `e${i}`, namespace: 'default', labels: { expires: 'yes' } },
    involvedObject: { namespace: 'default', name: 'x', kind: 'Pod' },
    reason: 'Test',
    type: 'Normal',
  }) as KubernetesObject;

/** The first watches are lost after so many deletions. */
function cuttingWatches(real: Resources, after: number[]): Resources {
  return {
    ...real,
    async watch<T extends KubernetesObject>(type: ResourceType, options: WatchOptions) {
      return cut(await real.watch<T>(type, options), after);
    },
  };
}

async function* cut<T extends KubernetesObject>(
  events: AsyncIterable<WatchEvent<T>>,
  after: number[],
): AsyncGenerator<WatchEvent<T>> {
  let deletions = 0;
  for await (const each of events) {
    if (each.type === 'DELETED' && deletions++ === after[0]) {
      after.shift();
      return;
    }
    yield each;
  }
}
