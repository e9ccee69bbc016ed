import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { NoticeWriter } from '../../../src/controller/notice-writer.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { helmBinary } from '../../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { installRelease, type Release } from '../../support/chart.ts';
import { clusterClient, kubectlOk } from '../../support/cluster.ts';
import { endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createSubject } from '../../support/nats.ts';
import { startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

let api: KubeApi;
let nats: Nats;
let folder: TempDir;
let release: Release;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  await helmBinary();
  folder = await tempDir('notices');
  nats = await startNats();
  api = await startKubeApi();
  release = await installRelease(api, folder.path, 'shop', ['controllers.nats.enabled=true', `nats.url=${nats.url}`]);
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await nats?.stop();
  await folder?.remove();
});

const apply = (...items: KubernetesObject[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const list = z.object({
  items: z.array(
    z.looseObject({ type: z.string(), reason: z.string(), regarding: z.looseObject({ name: z.string() }) }),
  ),
});

/** Of one trigger, in any order: which one of two replicas writes first is up to them. */
async function told(name: string): Promise<string[]> {
  const found = await kubectlOk(api, ['get', 'events.events.k8s.io', '-n', 'shop', '-o', 'json']);
  return list
    .parse(JSON.parse(found))
    .items.filter(({ regarding }) => regarding.name === name)
    .map(({ type, reason }) => `${type} ${reason}`)
    .toSorted();
}

const tells = (name: string, ...reasons: string[]) =>
  eventually(
    `${name} tells ${reasons}`,
    async () => {
      const all = await told(name);
      return reasons.every((reason) => all.includes(reason));
    },
    { within: 20_000, every: 100 },
  );

test('people are told what became true of a trigger, each thing once, by two controllers', async () => {
  await using subject = await createSubject(nats.url);
  await using recorder = await startRecorder(['hello'], podAddress());
  await apply({
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'NATSTrigger',
    metadata: { namespace: 'shop', name: 'greetings' },
    spec: { topic: subject.name, functionSelector: { matchLabels: { app: 'hello' } } },
  });
  await using _one = await release.start('nats');
  await using _other = await release.start('nats');
  await tells('greetings', 'Warning NoFunction');
  await apply(functionObject('shop', 'hello', { app: 'hello' }), endpointSlice('shop', 'hello', recorder.url('hello')));
  await tells('greetings', 'Normal FunctionsMatched', 'Normal SourceConnected');
  expect(await told('greetings')).toEqual(['Normal FunctionsMatched', 'Normal SourceConnected', 'Warning NoFunction']);
  expect(await kubectlOk(api, ['describe', 'nt', '-n', 'shop', 'greetings'])).toMatch(
    /Events:.*Warning +NoFunction .*namespace shop has no function with app=hello/s,
  );

  await nats.kill('SIGKILL');
  await tells('greetings', 'Warning SourceDisconnected');
  await nats.restart();
  await tells('greetings', 'Warning EventsLost');
});

test('the status counts what became of copies, with the time of the last', async () => {
  await using subject = await createSubject(nats.url);
  await using recorder = await startRecorder(['counted', 'more'], podAddress());
  await apply(
    functionObject('shop', 'counted', { app: 'counted' }),
    endpointSlice('shop', 'counted', recorder.url('counted')),
    {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'NATSTrigger',
      metadata: { namespace: 'shop', name: 'counted' },
      spec: { topic: subject.name, functionSelector: { matchLabels: { app: 'counted' } } },
    },
  );
  await using one = await release.start('nats');
  await using other = await release.start('nats');
  await kubectlOk(api, ['wait', '-n', 'shop', '--for=condition=Ready', '--timeout=20s', 'nt/counted']);
  await subject.publish(300);
  await recorder.waitFor('300 messages', ({ distinct }) => distinct() >= 300);
  await eventually('all is accounted', async () => {
    const reports = await Promise.all([one, other].map(({ ledger }) => ledger()));
    const rows = reports.flatMap(({ triggers }) => triggers.filter(({ name }) => name === 'counted'));
    return rows.reduce((sum, { functions }) => sum + (functions[0]?.delivered ?? 0), 0) === 300;
  });
  const status = z.object({ counts: z.record(z.string(), z.number()), lastEventTime: z.string() });
  // Each adds its own, half a minute after the first.
  await eventually(
    'the counts are those of both',
    async () => {
      const stored = JSON.parse(await kubectlOk(api, ['get', 'nt', '-n', 'shop', 'counted', '-o', 'json']));
      return status.safeParse(stored.status).data?.counts.delivered === 300;
    },
    { within: 60_000, every: 500 },
  );
});

test('the same again is counted in the Event, and what is not for one line is cut: as the API server wants it', async () => {
  await using client = clusterClient(api);
  const clock = new ManualClock(Date.now());
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const writer = new NoticeWriter({ resources: client.resources, clock, log: silent, instance: 'test' });
  const trigger = {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'NATSTrigger',
    metadata: { namespace: 'shop', name: 'repeated', uid: 'a', resourceVersion: '1' },
  };
  const notice = { type: 'Warning', reason: 'SourceDisconnected', note: 'ü€'.repeat(1_000) } as const;
  const stored = async () => {
    const found = await kubectlOk(api, ['get', 'events.events.k8s.io', '-n', 'shop', '-o', 'json']);
    return list.parse(JSON.parse(found)).items.filter(({ regarding }) => regarding.name === 'repeated');
  };
  writer.tell(trigger, notice);
  clock.advance(0);
  await eventually('it is there', async () => (await stored()).length === 1);
  writer.tell(trigger, notice);
  writer.tell(trigger, notice);
  const counted = await eventually('it counts', async () => {
    clock.advance(10_000);
    const [event] = await stored();
    return event?.series && event;
  });
  expect(counted).toMatchObject({ series: { count: 3 } });
  expect(await stored()).toHaveLength(1);
  await writer.close();
});
