import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../src/domain/resource.ts';
import { helmBinary } from '../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedKafka, sharedNats } from '../services/shared.ts';
import { installRelease, type Release } from '../support/chart.ts';
import { checkDelivery } from '../support/checker.ts';
import { kubectl, kubectlOk } from '../support/cluster.ts';
import { endpointSlice, functionObject, podAddress } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';
import { createTopic } from '../support/kafka.ts';
import { createSubject } from '../support/nats.ts';
import { startRecorder } from '../support/recorder.ts';
import { type TempDir, tempDir } from '../support/temp.ts';

/*
 * Controllers as processes, each with the ServiceAccount and the rights that the chart gives it and nothing more, against
 * an API server that authorises by RBAC.
 */

const NOTHING = { duplicates: [], missing: [], unexpected: [] };

let api: KubeApi;
let folder: TempDir;
let release: Release;
let wide: Release;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  await helmBinary();
  folder = await tempDir('chart');
  api = await startKubeApi();
  const values = [
    `kafka.brokers={${(await sharedKafka()).join(',')}}`,
    `nats.url=${await sharedNats()}`,
    ...['kafka', 'nats', 'cronjob'].map((kind) => `controllers.${kind}.enabled=true`),
  ];
  release = await installRelease(api, folder.path, 'shop', values);
  wide = await installRelease(api, folder.path, 'operator', [...values, 'clusterWide=true']);
  await kubectlOk(api, ['create', 'namespace', 'elsewhere']);
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await folder?.remove();
});

const apply = (...items: KubernetesObject[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const trigger = (namespace: string, kind: string, name: string, spec: object): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind,
  metadata: { namespace, name },
  spec,
});

const ready = (namespace: string, what: string): Promise<string> =>
  kubectlOk(api, ['wait', '-n', namespace, '--for=condition=Ready', '--timeout=30s', what]);

test('Kafka end to end: two replicas, an API server that is restarted under load, nothing twice and nothing missing', async () => {
  await using topic = await createTopic(await sharedKafka());
  await using recorder = await startRecorder(['audit', 'email'], podAddress());
  const select = { topic: topic.name, functionSelector: { matchLabels: { app: 'shop' } } };
  await apply(
    ...['audit', 'email'].flatMap((name) => [
      functionObject('shop', name, { app: 'shop' }),
      endpointSlice('shop', name, recorder.url(name)),
    ]),
    trigger('shop', 'KafkaTrigger', 'orders', select),
  );
  await using one = await release.start('kafka');
  await using other = await release.start('kafka');
  await ready('shop', 'kt/orders');
  await topic.produce(500);
  await recorder.waitFor('500 events', ({ distinct }) => distinct() >= 1_000);
  for (const { process } of [one, other]) expect(process.lines.join('\n')).not.toMatch(/forbidden/i);
  await api.down('SIGKILL');
  await topic.produce(500, { from: 500 });
  await recorder.waitFor('what came while it was away', ({ distinct }) => distinct() >= 2_000);
  const coming = api.up();
  await topic.produce(500, { from: 1_000 });
  await coming;
  await recorder.waitFor('what came at its return', ({ distinct }) => distinct() >= 3_000);
  await one.stop();
  await topic.produce(100, { from: 1_500 });
  await recorder.waitFor('the rest, from the other', ({ distinct }) => distinct() >= 3_200);
  const found = checkDelivery({ functions: ['audit', 'email'], bodies: topic.bodies(1_600) }, recorder.records);
  expect(found).toEqual(NOTHING);
  await eventually('the ledger balances', async () => (await other.ledger()).balanced);
});

test('NATS and cron, and that what they may not do was not even tried', async () => {
  await using subject = await createSubject(await sharedNats());
  await using recorder = await startRecorder(['hello'], podAddress());
  await apply(
    functionObject('shop', 'hello', { app: 'hello' }),
    endpointSlice('shop', 'hello', recorder.url('hello')),
    trigger('shop', 'NATSTrigger', 'greetings', {
      topic: subject.name,
      functionSelector: { matchLabels: { app: 'hello' } },
    }),
    trigger('shop', 'CronJobTrigger', 'ticks', { schedule: '@every 1s', 'function-name': 'hello', payload: {} }),
  );
  await using nats = await release.start('nats');
  await using cron = await release.start('cronjob');
  await ready('shop', 'nt/greetings');
  await subject.publish(50);
  await recorder.waitFor('50 messages', ({ records }) => records.filter(({ path }) => path === '/').length >= 50);
  await recorder.waitFor('a tick', ({ records }) => records.some(({ body }) => body === '{}'));
  await kubectlOk(api, ['delete', '-n', 'shop', 'cjt', 'ticks']);
  for (const { process } of [nats, cron]) expect(process.lines.join('\n')).not.toMatch(/forbidden/i);
});

test('with the rights of the whole cluster: triggers of every namespace, each with the functions of its own', async () => {
  await using subject = await createSubject(await sharedNats());
  await using recorder = await startRecorder(['there'], podAddress());
  await apply(
    functionObject('elsewhere', 'there', { app: 'there' }),
    endpointSlice('elsewhere', 'there', recorder.url('there')),
    trigger('elsewhere', 'NATSTrigger', 'far', {
      topic: subject.name,
      functionSelector: { matchLabels: { app: 'there' } },
    }),
  );
  await using controller = await wide.start('nats');
  await ready('elsewhere', 'nt/far');
  await subject.publish(10);
  await recorder.waitFor('10 messages', ({ distinct }) => distinct() >= 10);
  expect(controller.process.lines.join('\n')).not.toMatch(/forbidden/i);
});

describe('the ServiceAccount of the Kafka controller', () => {
  const can = async (verb: string, what: string, namespace = 'shop', account = 'shop:trigate-kafka') => {
    const [resource = '', subresource = ''] = what.split('/');
    const args = [verb, resource, `--subresource=${subresource}`, '-n', namespace];
    const as = `--as=system:serviceaccount:${account}`;
    return (await kubectl(api, ['auth', 'can-i', ...args, as])).stdout.trim();
  };

  test.each([
    ['list', 'kafkatriggers'],
    ['update', 'kafkatriggers/status'],
    ['patch', 'kafkatriggers'],
    ['patch', 'kinesistriggers'],
    ['watch', 'functions'],
    ['watch', 'endpointslices.discovery.k8s.io'],
    ['create', 'events.events.k8s.io'],
  ])('may %s %s', async (verb, what) => {
    expect(await can(verb, what)).toBe('yes');
  });

  test.each([
    ['list', 'natstriggers'],
    ['update', 'kafkatriggers'],
    ['delete', 'kafkatriggers'],
    ['create', 'kafkatriggers'],
    ['update', 'functions'],
    ['get', 'secrets'],
    ['get', 'configmaps'],
    ['list', 'pods'],
    ['create', 'serviceaccounts/token'],
    ['list', 'events'],
  ])('may not %s %s', async (verb, what) => {
    expect(await can(verb, what)).toBe('no');
  });

  test('may nothing in another namespace, unless it has the whole cluster', async () => {
    expect(await can('list', 'kafkatriggers', 'elsewhere')).toBe('no');
    expect(await can('list', 'kafkatriggers', 'elsewhere', 'operator:trigate-kafka')).toBe('yes');
    expect(await can('get', 'secrets', 'elsewhere', 'operator:trigate-kafka')).toBe('no');
  });

  test('the gateway may nothing at all', async () => {
    expect(await can('list', 'kafkatriggers', 'shop', 'shop:trigate-gateway')).toBe('no');
  });
});
