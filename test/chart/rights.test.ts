import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../src/domain/resource.ts';
import { helmBinary } from '../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedKafka, sharedNats } from '../services/shared.ts';
import { installRelease, type Release } from '../support/chart.ts';
import { checkDelivery } from '../support/checker.ts';
import { kubectlOk } from '../support/cluster.ts';
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
    ...['kafka', 'nats', 'cronjob', 'kubernetes'].map((kind) => `controllers.${kind}.enabled=true`),
    ...['apiGroups[0]=', 'resources[0]=configmaps', 'verbs={list,watch}'].map(
      (right) => `controllers.kubernetes.rules[0].${right}`,
    ),
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

test('watches: two replicas, of which one ends, and each change once', async () => {
  await using recorder = await startRecorder(['changes'], podAddress());
  await apply(
    functionObject('shop', 'changes', { app: 'changes' }),
    endpointSlice('shop', 'changes', recorder.url('changes')),
    trigger('shop', 'KubernetesTrigger', 'settings', {
      resource: { apiVersion: 'v1', kind: 'ConfigMap' },
      events: ['added'],
      functionSelector: { matchLabels: { app: 'changes' } },
    }),
  );
  await using one = await release.start('kubernetes');
  await using other = await release.start('kubernetes');
  await ready('shop', 'k8st/settings');
  const change = (names: readonly string[]) =>
    apply(...names.map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name } })));
  await change(['a', 'b', 'c']);
  await recorder.waitFor('3 changes', ({ distinct }) => distinct() >= 3);
  for (const { process } of [one, other]) expect(process.lines.join('\n')).not.toMatch(/forbidden|may not/i);
  await one.stop();
  await change(['d', 'e', 'f']);
  await recorder.waitFor('3 more', ({ distinct }) => distinct() >= 6);
  await eventually('the ledger balances', async () => (await other.ledger()).balanced);
  expect(recorder.records).toHaveLength(6);
  expect(other.process.lines.join('\n')).not.toMatch(/forbidden|may not/i);
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
  /** Asked as a review: of a type that is not installed `kubectl auth can-i` knows no group. */
  const can = async (verb: string, what: string, namespace = 'shop', account = 'shop:trigate-kafka') => {
    const [type = '', subresource = ''] = what.split('/');
    const [resource, ...group] = type.split('.');
    const resourceAttributes = { verb, group: group.join('.'), resource, subresource, namespace };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: `system:serviceaccount:${account}`, resourceAttributes },
    };
    const args = ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}'];
    return await kubectlOk(api, args, JSON.stringify(review));
  };

  test.each([
    ['list', 'kafkatriggers.kubeless.io'],
    ['update', 'kafkatriggers.kubeless.io/status'],
    ['patch', 'kafkatriggers.kubeless.io'],
    ['patch', 'kinesistriggers.kubeless.io'],
    ['patch', 'httptriggers.kubeless.io'],
    ['watch', 'functions.kubeless.io'],
    ['watch', 'endpointslices.discovery.k8s.io'],
    ['create', 'events.events.k8s.io'],
  ])('may %s %s', async (verb, what) => {
    expect(await can(verb, what)).toBe('true');
  });

  test.each([
    ['list', 'natstriggers.kubeless.io'],
    ['update', 'kafkatriggers.kubeless.io'],
    ['delete', 'kafkatriggers.kubeless.io'],
    ['create', 'kafkatriggers.kubeless.io'],
    ['update', 'functions.kubeless.io'],
    ['get', 'secrets'],
    ['get', 'configmaps'],
    ['list', 'pods'],
    ['create', 'serviceaccounts/token'],
    ['list', 'events.events.k8s.io'],
  ])('may not %s %s', async (verb, what) => {
    expect(await can(verb, what)).toBe('false');
  });

  test('may nothing in another namespace, unless it has the whole cluster', async () => {
    expect(await can('list', 'kafkatriggers.kubeless.io', 'elsewhere')).toBe('false');
    expect(await can('list', 'kafkatriggers.kubeless.io', 'elsewhere', 'operator:trigate-kafka')).toBe('true');
    expect(await can('get', 'secrets', 'elsewhere', 'operator:trigate-kafka')).toBe('false');
  });

  test('the gateway may nothing at all', async () => {
    expect(await can('list', 'kafkatriggers.kubeless.io', 'shop', 'shop:trigate-gateway')).toBe('false');
  });
});
