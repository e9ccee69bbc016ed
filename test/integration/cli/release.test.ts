import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { BUILDING_MS, type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { clusterClient, installCrds, kubectlOk } from '../../support/cluster.ts';
import { account, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { eventually } from '../../support/eventually.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';
import { fakeGateway, ok } from './fake-gateway.ts';
import { core, said, words } from './function-parts.ts';

/*
 * What `helm install` leaves in a cluster, as far as the command line looks at it: labels, ports, the Secret. The processes
 * behind it are gateways of this machine, and the API server is a real one: it calls no loopback address, so they listen on another.
 */

const TOKEN = 'of-the-release';
const COMPONENT = 'app.kubernetes.io/component';

let api: KubeApi;
let resources: Resources;
let folder: TempDir;
let stack: AsyncDisposableStack;
beforeAll(async () => {
  await kubeApiCanStart();
  stack = new AsyncDisposableStack();
  folder = stack.use(await tempDir('release'));
  api = stack.use(await startKubeApi());
  resources = stack.use(clusterClient(api)).resources;
  await installCrds(api, (await command(['crds'])).stdout);
}, BUILDING_MS);
afterAll(() => stack?.disposeAsync());

let count = 0;
let namespace: string;
beforeEach(async () => {
  namespace = `shop-${++count}`;
  const all = { ...core('Namespace', 'namespaces'), namespaced: false };
  await resources.create(all, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await create('ServiceAccount', 'serviceaccounts', 'default', {});
});

async function create(kind: string, plural: string, name: string, rest: object, labels = {}) {
  const object = { apiVersion: 'v1', kind, metadata: { name, namespace, labels }, ...rest };
  return resources.create<KubernetesObject>(core(kind, plural), object);
}

const labelsOf = (component: string, instance: string) => ({
  'app.kubernetes.io/part-of': 'trigate',
  'app.kubernetes.io/instance': instance,
  [COMPONENT]: component,
});

/** A pod that listens somewhere else, as the kubelet would write it down. */
async function createPod(component: string, url: string, name = `trigate-${component}`, instance = 'trigate') {
  const { hostname: ip, port } = new URL(url);
  const container = { name: 'trigate', image: 'x', ports: [{ name: 'http', containerPort: Number(port) }] };
  const volumes = [{ name: 'api', secret: { secretName: 'trigate-api' } }];
  const spec = { automountServiceAccountToken: false, containers: [container], volumes };
  const pod = await create('Pod', 'pods', name, { spec }, labelsOf(component, instance));
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
  await resources.replaceStatus(core('Pod', 'pods'), { ...pod, status });
}

/** The gateway of a release, whose pod listens there; without an address it has no pod. The API server calls nothing but pods. */
async function createGateway(url?: string, instance = 'trigate'): Promise<void> {
  const name = `${instance}-gateway`;
  const spec = { ports: [{ name: 'http', port: 80 }] };
  await create('Service', 'services', name, { spec }, labelsOf('gateway', instance));
  if (url === undefined) await create('Endpoints', 'endpoints', name, {});
  else {
    await createPod('gateway', url, name, instance);
    const { hostname: ip, port } = new URL(url);
    const addresses = [{ ip, targetRef: { kind: 'Pod', name, namespace } }];
    const subsets = [{ addresses, ports: [{ name: 'http', port: Number(port) }] }];
    await create('Endpoints', 'endpoints', name, { subsets });
  }
  const unseen = url === undefined ? 'any more' : 'no endpoints';
  await eventually('the API server has seen them', async () => {
    const { stderr } = await run(['topic', 'list', '--release', instance]);
    return !stderr.includes(unseen) && !stderr.includes('any more');
  });
}

const createSecret = () =>
  create('Secret', 'secrets', 'trigate-api', { data: { token: Buffer.from(TOKEN).toString('base64') } });

/** Somebody who may do only this, in the namespace. */
async function kubeconfigOf(name: string, ...rules: Parameters<typeof account>[2]): Promise<string> {
  await kubectlOk(
    api,
    ['apply', '-f', '-'],
    account(namespace, name, rules)
      .map((each) => JSON.stringify(each))
      .join('\n---\n'),
  );
  const token = await kubectlOk(api, ['create', 'token', name, '-n', namespace]);
  const path = join(folder.path, `${namespace}-${name}`);
  await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
  return path;
}

const run = (args: readonly string[], terminal: Partial<Terminal> = {}, env = {}) =>
  commandLine(args, { KUBECONFIG: api.kubeconfig, TRIGATE_NAMESPACE: namespace, ...env }, terminal);

describe('a release that runs', () => {
  let recorder: Awaited<ReturnType<typeof startRecorder>>;
  beforeEach(async () => {
    recorder = await startRecorder(['bill']);
    onTestFinished(() => recorder[Symbol.asyncDispose]());
    await createSecret();
  });

  /** A process that has its own share of the trigger `pay`, and where a pod would have it. */
  async function startShare(): Promise<{ gateway: Gateway; url: string }> {
    const bill = functionObject(namespace, 'bill', { app: 'bill' });
    const trigger = {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'KafkaTrigger',
      metadata: { namespace, name: 'pay' },
      spec: { topic: 'orders', functionSelector: { matchLabels: { app: 'bill' } } },
    };
    const gateway = await startGateway({
      manifests: [{ ...bill, spec: { endpoint: recorder.url('bill') } }, trigger],
      args: ['--host', '0.0.0.0'],
      env: { TRIGATE_TOKEN: TOKEN },
      readyWithin: 60_000,
    });
    onTestFinished(() => gateway.stop());
    return { gateway, url: `http://${podAddress()}:${new URL(gateway.url).port}` };
  }

  const publish = (url: string) =>
    fetch(`${url}/v1/topics/orders`, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${TOKEN}` } });

  test('has its topics behind the Service of its gateway, and its token in its Secret', async () => {
    const { url } = await startShare();
    await createGateway(url);
    const env = { TRIGATE_TOKEN: 'of-another-gateway' };
    expect(await run(words('topic create bills -v'), {}, env)).toEqual({
      code: 0,
      stdout: '',
      stderr: said(
        `DEBU[0000] Speaks to the cluster ${api.url}, named by KUBECONFIG.`,
        `DEBU[0000] Asks Service ${namespace}/trigate-gateway through the API server.`,
        'INFO[0000] Created topic bills.',
      ),
    });
    const args = ['topic', 'publish', '--topic', 'bills', '--data', '{"a":1}', '--key', 'k', '--header', 'a=b/c d'];
    expect((await run(args)).stderr).toMatch(/^INFO\[0000\] Published to topic bills, partition 0, offset \d+\.\n$/);
    expect((await run(words('topic list'))).stdout).toContain('bills\n');
    expect(await run(words('topic delete bills'))).toMatchObject({ code: 0 });
    expect((await run(words('topic delete bills'))).stderr).toBe('FATA[0000] there is no topic "bills"\n');
  });

  test('has its events and counts in its controllers, each its own share', async () => {
    const shares = [await startShare(), await startShare()] as const;
    await createPod('kafka', shares[0].url, 'trigate-kafka-a');
    await createPod('kafka', shares[1].url, 'trigate-kafka-b');
    await publish(shares[0].url);
    await publish(shares[1].url);
    await publish(shares[1].url);
    await eventually('all have arrived', () => recorder.records.length === 3);
    const rows = async (args: string) => (await run(words(args))).stdout.trimEnd().split('\n').slice(1);
    await eventually('all are counted', async () => /^\S+ +bill +3 +0 +3 +3 /.test((await rows('ledger'))[0] ?? ''));
    const ledger = await run(words('ledger'));
    expect(ledger).toMatchObject({ code: 0, stderr: 'INFO[0000] The ledger balances.\n' });
    const events = await rows('events -o wide');
    expect(events.map((line) => line.split(/ {3,}/)[1])).toEqual(Array(3).fill(`kafka/${namespace}/pay`));

    await kubectlOk(api, ['apply', '-f', '-'], JSON.stringify(functionObject(namespace, 'bill', { app: 'bill' })));
    const apply = {
      readInput: async () =>
        Buffer.from(
          `{"apiVersion":"kubeless.io/v1beta1","kind":"KafkaTrigger","metadata":{"name":"pay","namespace":"${namespace}"},"spec":{"topic":"orders","functionSelector":{"matchLabels":{"app":"bill"}}}}`,
        ),
    };
    expect(await run(['apply', '-f', '-'], apply)).toMatchObject({ code: 0 });
    const id = events[2]?.trim().split(/ +/).at(-1) ?? '';
    const explained = await run(['explain', id, '-n', namespace]);
    expect(explained.stdout).toMatch(/ bill +yes +has app=bill +delivered 200\n$/);
  });

  test('is followed when its pods come and go', async () => {
    const shares = [await startShare(), await startShare()] as const;
    await createPod('kafka', shares[0].url, 'trigate-kafka-a');
    const stop = new AbortController();
    const seen = { stdout: '', stderr: '' };
    const sink = (name: keyof typeof seen) => ({ write: (text: string) => (seen[name] += text) });
    const clock = { ...systemClock, after: (ms: number, then: () => void) => systemClock.after(ms / 20, then) };
    const terminal = { signal: stop.signal, stdout: sink('stdout'), stderr: sink('stderr'), clock };
    const following = run(words('events -f --no-headers -v'), terminal);
    const lines = () => seen.stdout.split('\n').length - 1;
    await eventually('it follows the first', async () => {
      await publish(shares[0].url);
      return lines() > 0;
    });
    await publish(shares[1].url);
    const before = lines();
    await createPod('kafka', shares[1].url, 'trigate-kafka-b');
    await eventually('what the second has held is shown', () => lines() > before);
    await kubectlOk(api, ['delete', 'pod', 'trigate-kafka-a', '-n', namespace, '--grace-period=0', '--force']);
    await shares[0].gateway.stop();
    await eventually('the first is gone', () => seen.stderr.includes(`Pod ${namespace}/trigate-kafka-a is over`));
    stop.abort();
    expect((await following).code).toBe(0);
  });
});

test('the token goes to the release alone, and the login of the kubeconfig to the API server alone', async () => {
  await createSecret();
  await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: ['a'] }) }, podAddress());
  await createGateway(gateway.url);
  expect(await run(words('topic list'))).toEqual({ code: 0, stdout: 'a\n', stderr: '' });
  const file = join(folder.path, 'given');
  await writeFile(file, 'given\n');
  expect((await run(['topic', 'list', '--token-file', file])).code).toBe(0);
  const { received } = gateway;
  expect(received.slice(-2).map(({ headers }) => headers['x-trigate-token'])).toEqual([TOKEN, 'given']);
  expect(received.map(({ headers }) => headers.authorization)).toEqual(received.map(() => undefined));
});

describe('what is missing is said in a sentence', () => {
  const fails = async (args: string, ...sentences: string[]) => {
    const { code, stdout, stderr } = await run(words(args));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^FATA\[0000\] .+\n$/);
    for (const sentence of sentences) expect(stderr).toContain(sentence);
  };

  test('no release', async () => {
    await fails('topic list', `Namespace ${namespace} has no gateway of Trigate`, 'gateway.enabled=true', '--release');
    for (const what of ['ledger', 'events', 'events -f', 'explain abcdefghijklmno']) {
      await fails(what, `Namespace ${namespace} has no controller of Trigate that runs`, '--release NAMESPACE/NAME');
    }
  });

  test('several releases, of which one can be named', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: ['a'] }) }, podAddress());
    await createGateway(undefined, 'one');
    await createGateway(gateway.url, 'two');
    await fails('topic list', `Namespace ${namespace} has the releases one, two: say which with --release.`);
    const elsewhere = { TRIGATE_NAMESPACE: 'default' };
    expect((await run(['topic', 'list', '--release', 'two'])).stdout).toBe('a\n');
    expect((await run(['topic', 'list', '--release', `${namespace}/two`], {}, elsewhere)).stdout).toBe('a\n');
    const env = { ...elsewhere, TRIGATE_RELEASE: `${namespace}/two` };
    expect((await run(['topic', 'list'], {}, env)).stdout).toBe('a\n');
  });

  test('no pod that answers', async () => {
    await createGateway();
    const nobody = `The API server reaches nobody behind Service ${namespace}/trigate-gateway (`;
    await fails('topic list', nobody, `kubectl get pods -n ${namespace} -l app.kubernetes.io/part-of=trigate`);
    await createPod('kafka', `http://${podAddress()}:1`);
    await fails('ledger', `The API server reaches nobody behind Pod ${namespace}/trigate-kafka (`);
    await fails('topic list --release two', 'has no gateway of Trigate');
  });

  test('one pod of several that does not answer: the rest is shown, and is not the whole', async () => {
    const ledger = ok({ balanced: true, triggers: [] });
    await using gateway = await fakeGateway(
      { 'GET /v1/ledger': ledger, 'GET /v1/events': ok({ events: [] }) },
      podAddress(),
    );
    await createPod('kafka', gateway.url, 'a');
    await createPod('kafka', `http://${podAddress()}:1`, 'b');
    const { code, stdout, stderr } = await run(words('ledger'));
    expect(code).toBe(1);
    expect(stdout).toContain('TRIGGER');
    expect(stderr).toContain('WARN[0000] What one of 2 tells is missing: The API server reaches nobody behind Pod');
    expect(stderr).toContain('FATA[0000] The ledger is not the whole one: see the warnings.');
    expect((await run(words('events'))).stderr).toContain('WARN[0000] What one of 2 tells is missing:');
  });

  test('the token', async () => {
    const refused = { status: 401, body: { code: 'UNAUTHORIZED', detail: 'This gateway asks for its token' } };
    await using gateway = await fakeGateway({ 'GET /v1/topics': refused }, podAddress());
    await createGateway(gateway.url);
    await fails('topic list', `asks for the token in Secret ${namespace}/trigate-api`, '--token-file');
  });

  test('the rights', async () => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: ['a'] }) }, podAddress());
    await createGateway(gateway.url);
    const list = { group: '', resources: ['services'], verbs: ['list'] };
    const proxy = { group: '', resources: ['services/proxy'], verbs: ['get'] };
    const as = async (file: string) => run(words('topic list'), {}, { KUBECONFIG: file });
    const nothing = await as(await kubeconfigOf('nobody'));
    expect(nothing.stderr).toMatch(
      /^FATA\[0000\] Who has topics and events in this cluster cannot be found \(services is forbidden: .+--gateway URL\.\n$/,
    );
    const finds = await as(await kubeconfigOf('finder', list));
    expect(finds.stderr).toMatch(
      /^FATA\[0000\] Service \S+ may not be asked through the API server \(.+ask for get, create, update and delete on services\/proxy in namespace \S+\.\n$/,
    );
    // Neither pods nor Secrets: for a gateway without a token that is all there is to it.
    expect(await as(await kubeconfigOf('reader', list, proxy))).toEqual({ code: 0, stdout: 'a\n', stderr: '' });
  });
});
