import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { helmBinary } from '../../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedNats } from '../../services/shared.ts';
import { type ApiProxy, type Asked, startApiProxy, statusOf } from '../../support/api-proxy.ts';
import { installRelease, type Release } from '../../support/chart.ts';
import { checkDelivery } from '../../support/checker.ts';
import { kubectlOk } from '../../support/cluster.ts';
import { endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import type { ControllerProcess } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { createSubject, type TestSubject } from '../../support/nats.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/*
 * Whatever the API server does: triggers that run go on delivering, what changed meanwhile is seen afterwards, and nothing
 * comes twice. A watch that falls silent is told by a clock of its own, in test/integration/resources/follow.test.ts.
 */

const NOTHING = { duplicates: [], missing: [], unexpected: [] };

let api: KubeApi;
let folder: TempDir;
let release: Release;
let proxy: ApiProxy;
let count = 0;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  await helmBinary();
  folder = await tempDir('faults');
  api = await startKubeApi();
  const values = ['controllers.nats.enabled=true', `nats.url=${await sharedNats()}`];
  release = await installRelease(api, folder.path, 'shop', values);
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await folder?.remove();
});
beforeEach(async () => {
  proxy = await startApiProxy(api);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
});

const apply = (...items: KubernetesObject[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** A controller that reaches the API server through the proxy, with the rights that it always has. */
async function start(): Promise<ControllerProcess> {
  const token = await kubectlOk(api, ['create', 'token', 'trigate-nats', '-n', 'shop']);
  const path = join(folder.path, `proxied-${count++}`);
  await writeFile(path, proxy.kubeconfig(token.trim()));
  return release.start('nats', { KUBECONFIG: path });
}

const trigger = (name: string, topic: string): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'NATSTrigger',
  metadata: { namespace: 'shop', name },
  spec: { topic, functionSelector: { matchLabels: { app: name } } },
});

const withFunction = (app: string, name: string, recorder: Recorder) =>
  apply(functionObject('shop', name, { app }), endpointSlice('shop', name, recorder.url(name)));

const ready = (name: string): Promise<string> =>
  kubectlOk(api, ['wait', '-n', 'shop', '--for=condition=Ready', '--timeout=20s', `nt/${name}`]);

/** Publishes while the fault is there, and waits until the function has all of it. */
async function delivers(subject: TestSubject, recorder: Recorder, name: string, from: number): Promise<void> {
  await subject.publish(100, { from });
  await recorder.waitFor(`${name} has ${from + 100}`, ({ of }) => of(name).length >= from + 100);
}

/** Publishes up to that number, a hundred in all, and checks that the function has each event once. */
async function gotAll(subject: TestSubject, recorder: Recorder, name: string, count: number): Promise<void> {
  await delivers(subject, recorder, name, count - 100);
  const found = checkDelivery({ functions: [name], bodies: subject.bodies(count) }, recorder.of(name));
  expect(found).toEqual(NOTHING);
  expect(recorder.distinct()).toBe(recorder.records.length);
}

/**
 * Publishes, one at a time, until a function that came during the fault gets some: what core NATS publishes while nobody
 * listens is gone.
 * @returns number of the next event
 */
async function reaches(subject: TestSubject, recorder: Recorder, name: string, from: number): Promise<number> {
  let next = from;
  const publish = async () => {
    if (recorder.of(name).length > 0) return true;
    await subject.publish(1, { from: next++ });
    return false;
  };
  await eventually(`${name} is called`, publish, { within: 40_000, every: 100 });
  return next;
}

const expired = { type: 'answer', status: 200, body: expiredEvent() } as const;

function expiredEvent(): string {
  const object = statusOf(410, 'Expired', 'too old resource version: 1 (2)');
  return `${JSON.stringify({ type: 'ERROR', object })}\n`;
}

describe('triggers that run go on, changes are seen afterwards, and nothing comes twice', () => {
  test('while the API server cannot be reached', async () => {
    await using subject = await createSubject(await sharedNats());
    await using recorder = await startRecorder(['gone-a', 'gone-b'], podAddress());
    await withFunction('gone', 'gone-a', recorder);
    await apply(trigger('gone', subject.name));
    await using controller = await start();
    await ready('gone');
    await delivers(subject, recorder, 'gone-a', 0);
    proxy.fault = () => ({ type: 'reset' });
    proxy.cut();
    await withFunction('gone', 'gone-b', recorder);
    await delivers(subject, recorder, 'gone-a', 100);
    await eventually('it was asked for again and again', () => tries('natstriggers') >= 4, { within: 20_000 });
    expect(await controller.isReady()).toBe(true);
    await delivers(subject, recorder, 'gone-a', 200);
    proxy.fault = () => undefined;
    const next = await reaches(subject, recorder, 'gone-b', 300);
    await gotAll(subject, recorder, 'gone-a', next + 100);
    await controller.stop();
  });

  test('while every watch ends with 410', async () => {
    await using subject = await createSubject(await sharedNats());
    await using recorder = await startRecorder(['old-a', 'old-b'], podAddress());
    await withFunction('old', 'old-a', recorder);
    await apply(trigger('old', subject.name));
    await using controller = await start();
    await ready('old');
    proxy.fault = ({ isWatch }) => (isWatch ? expired : undefined);
    proxy.cut();
    await delivers(subject, recorder, 'old-a', 0);
    await withFunction('old', 'old-b', recorder);
    // By listing alone.
    const next = await reaches(subject, recorder, 'old-b', 100);
    proxy.fault = () => undefined;
    await gotAll(subject, recorder, 'old-a', next + 100);
    expect((await controller.ledger()).balanced).toBe(true);
  });

  test('while the API server is busy: it is asked no more often than it wants', async () => {
    await using subject = await createSubject(await sharedNats());
    await using recorder = await startRecorder(['busy-a', 'busy-b'], podAddress());
    await withFunction('busy', 'busy-a', recorder);
    await apply(trigger('busy', subject.name));
    await using controller = await start();
    await ready('busy');
    const body = JSON.stringify(statusOf(429, 'TooManyRequests', 'too many requests'));
    proxy.fault = () => ({ type: 'answer', status: 429, headers: { 'retry-after': '2' }, body });
    proxy.cut();
    const from = proxy.asked.length;
    await withFunction('busy', 'busy-b', recorder);
    await delivers(subject, recorder, 'busy-a', 0);
    await eventually('it was asked three times', () => tries('natstriggers', from) >= 3, { within: 20_000 });
    expect(shortestPause('natstriggers', from)).toBeGreaterThanOrEqual(1_900);
    expect(shortestPause('functions', from)).toBeGreaterThanOrEqual(1_900);
    await delivers(subject, recorder, 'busy-a', 100);
    proxy.fault = () => undefined;
    const next = await reaches(subject, recorder, 'busy-b', 200);
    await gotAll(subject, recorder, 'busy-a', next + 100);
    expect((await controller.ledger()).balanced).toBe(true);
  });

  test('when a replica that lags behind answers a list: what it no longer shows comes back', async () => {
    await using subject = await createSubject(await sharedNats());
    await using recorder = await startRecorder(['lag-a', 'lag-b'], podAddress());
    await withFunction('lag', 'lag-a', recorder);
    await apply(trigger('lag', subject.name));
    await using controller = await start();
    await ready('lag');
    // As things stood before the second function came.
    const path = '/apis/kubeless.io/v1beta1/namespaces/shop/functions';
    const before = await kubectlOk(api, ['get', '--raw', `${path}?limit=500`]);
    await withFunction('lag', 'lag-b', recorder);
    const first = await reaches(subject, recorder, 'lag-b', 0);
    let lists = 0;
    let isExpired = true;
    proxy.fault = (asked) => {
      if (asked.path !== path) return undefined;
      if (asked.isWatch && isExpired) {
        isExpired = false;
        return expired;
      }
      if (asked.isWatch || asked.method !== 'GET') return undefined;
      lists++;
      return { type: 'answer', status: 200, body: before };
    };
    proxy.cut();
    await eventually('the old list was answered', () => lists > 0, { within: 20_000 });
    await eventually('both functions run again', async () => {
      const stored = await kubectlOk(api, ['get', '-n', 'shop', 'nt', 'lag', '-o', 'jsonpath={.status.functions}']);
      return stored === '["lag-a","lag-b"]';
    });
    await gotAll(subject, recorder, 'lag-a', first + 100);
    expect((await controller.ledger()).balanced).toBe(true);
  });

  test('when a watch is refused because the server lags behind: nothing is listed again', async () => {
    await using subject = await createSubject(await sharedNats());
    await using recorder = await startRecorder(['ahead'], podAddress());
    await withFunction('ahead', 'ahead', recorder);
    await apply(trigger('ahead', subject.name));
    await using controller = await start();
    await ready('ahead');
    const body = JSON.stringify(statusOf(504, 'Timeout', 'Too large resource version: 9, current: 8'));
    proxy.fault = ({ isWatch }) => (isWatch ? { type: 'answer', status: 504, body } : undefined);
    proxy.cut();
    const from = proxy.asked.length;
    await eventually('it was refused three times', () => tries('natstriggers', from) >= 3, { within: 20_000 });
    await delivers(subject, recorder, 'ahead', 0);
    proxy.fault = () => undefined;
    expect(proxy.asked.slice(from).filter(isList)).toEqual([]);
    expect((await controller.ledger()).balanced).toBe(true);
  });
});

const isList = ({ method, isWatch, path }: Asked): boolean => method === 'GET' && !isWatch && /s$/.test(path);

const watchesOf = (plural: string, from: number): readonly Asked[] =>
  proxy.asked.slice(from).filter((asked) => asked.plural === plural && asked.isWatch);

const tries = (plural: string, from = 0): number => watchesOf(plural, from).length;

/** Milliseconds between two requests for a watch. */
function shortestPause(plural: string, from: number): number {
  const times = watchesOf(plural, from).map(({ at }) => at);
  return Math.min(...times.slice(1).map((at, i) => at - (times[i] ?? at)));
}
