import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { openCluster } from '../../../src/cli/cluster.ts';
import { type Clock, systemClock } from '../../../src/domain/clock.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { followClusterFunctions } from '../../../src/functions/cluster.ts';
import { Refusals } from '../../../src/functions/refusals.ts';
import { helmBinary } from '../../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedNats } from '../../services/shared.ts';
import { startApiProxy } from '../../support/api-proxy.ts';
import { installRelease, type Release } from '../../support/chart.ts';
import { installCrds, kubectl, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { eventually } from '../../support/eventually.ts';
import { createSubject } from '../../support/nats.ts';
import { startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/* Functions that are neither pods behind a Service of Kubeless nor behind a labelled one. */

let api: KubeApi;
let folder: TempDir;
let release: Release;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  await helmBinary();
  folder = await tempDir('functions');
  api = await startKubeApi();
  await installCrds(api, JSON.stringify(knativeServices));
  release = await installRelease(api, folder.path, 'shop', [
    'controllers.nats.enabled=true',
    `nats.url=${await sharedNats()}`,
    'functions.knative=true',
    `functions.endpoints={${podAddress()}}`,
  ]);
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await folder?.remove();
});

/** As much of Knative as the API server needs to store its Services. */
const knativeServices = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'services.serving.knative.dev' },
  spec: {
    group: 'serving.knative.dev',
    scope: 'Namespaced',
    names: { kind: 'Service', plural: 'services', singular: 'service', shortNames: ['ksvc'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const apply = (...items: KubernetesObject[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** What Knative's controller does when a revision is ready. */
async function knativeService(name: string, url: string): Promise<void> {
  const labels = { app: name, 'trigate.dev/function': 'true' };
  await apply({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name, labels },
    spec: { template: { spec: { containers: [{ image: name }] } } },
  });
  const status = JSON.stringify({ status: { address: { url } } });
  await kubectlOk(api, ['patch', '-n', 'shop', 'ksvc', name, '--type=merge', '--subresource=status', '-p', status]);
}

const trigger = (name: string, topic: string): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'NATSTrigger',
  metadata: { namespace: 'shop', name },
  spec: { topic, functionSelector: { matchLabels: { app: name } } },
});

const endpointFunction = (name: string, endpoint: string): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'Function',
  metadata: { namespace: 'shop', name, labels: { app: name } },
  spec: { endpoint },
});

const connected = (name: string): Promise<string> =>
  kubectlOk(api, ['wait', '-n', 'shop', '--for=condition=SourceConnected', '--timeout=20s', `nt/${name}`]);

const ready = (name: string): Promise<string> =>
  kubectlOk(api, ['wait', '-n', 'shop', '--for=condition=Ready', '--timeout=20s', `nt/${name}`]);

test('a Service of Knative is called by its address, though it has no pod', async () => {
  await using subject = await createSubject(await sharedNats());
  await using recorder = await startRecorder(['scaled'], podAddress());
  await apply(trigger('scaled', subject.name));
  await using _controller = await release.start('nats');
  await knativeService('scaled', recorder.url('scaled'));
  await ready('scaled');
  await subject.publish(20);
  await recorder.waitFor('20 messages', ({ distinct }) => distinct() >= 20);
  await kubectlOk(api, ['delete', '-n', 'shop', 'ksvc', 'scaled']);
  await kubectlOk(api, ['wait', '-n', 'shop', '--for=condition=FunctionsMatched=False', '--timeout=20s', 'nt/scaled']);
});

const condition = z.object({ type: z.string(), reason: z.string(), message: z.string() });
const withConditions = z.object({ status: z.object({ conditions: z.array(condition).optional() }).optional() });
const notes = z.object({ items: z.array(z.object({ note: z.string() })) });

/** The sentence of the condition, when there is one, and of the Kubernetes Event. */
async function refusals(name: string): Promise<string[]> {
  const about = `regarding.name=${name},reason=FunctionRefused`;
  const [stored, told] = await Promise.all([
    kubectlOk(api, ['get', '-n', 'shop', 'nt', name, '-o', 'json']),
    kubectlOk(api, ['get', '-n', 'shop', 'events.events.k8s.io', '--field-selector', about, '-o', 'json']),
  ]);
  const { conditions = [] } = withConditions.parse(JSON.parse(stored)).status ?? {};
  const said = conditions.filter(({ type, reason }) => type === 'Ready' && reason === 'FunctionRefused');
  return [...said.map(({ message }) => message), ...notes.parse(JSON.parse(told)).items.map(({ note }) => note)];
}

const refused = (name: string): Promise<string[]> =>
  eventually(
    `people are told that ${name} is refused`,
    async () => {
      const all = await refusals(name);
      return all.length >= 2 && all;
    },
    { within: 20_000, every: 100 },
  );

test('spec.endpoint is called on a host that the operator listed, and on no other', async () => {
  await using subject = await createSubject(await sharedNats());
  await using recorder = await startRecorder(['listed', 'other'], podAddress());
  const { port } = new URL(recorder.url('other'));
  await apply(
    endpointFunction('listed', recorder.url('listed')),
    endpointFunction('other', `http://localhost:${port}`),
    trigger('listed', subject.name),
    trigger('other', subject.name),
  );
  await using controller = await release.start('nats');
  await ready('listed');
  const sentence = `function other is not called: its spec.endpoint http://localhost:${port} is on no host that the operator lists (TRIGATE_FUNCTION_ENDPOINTS, in the chart functions.endpoints)`;
  expect(await refused('other')).toEqual([sentence, sentence]);
  await subject.publish(20);
  await recorder.waitFor('20 messages', ({ of }) => of('listed').length >= 20);
  const dropped = await eventually('what could not be called is counted', async () => {
    const report = (await controller.ledger()).triggers.find(({ name }) => name === 'other');
    return report?.functions[0]?.droppedBeforeClaim.no_endpoint;
  });
  expect([dropped, recorder.of('other')]).toEqual([20, []]);
});

test('a name that leads to this machine, or to the controller itself, is not called, and people are told why', async () => {
  await using subject = await createSubject(await sharedNats());
  await using loopback = await startRecorder(['looped']);
  await using recorder = await startRecorder(['self'], podAddress());
  await knativeService('looped', loopback.url('looped').replace('127.0.0.1', 'localhost'));
  await knativeService('self', recorder.url('self'));
  await apply(trigger('looped', subject.name), trigger('self', subject.name));
  await using controller = await release.start('nats', { POD_IPS: podAddress() });
  await Promise.all([connected('looped'), connected('self')]);
  await subject.publish(5);
  await eventually('it was not called', async () => {
    const { triggers } = await controller.ledger();
    const rows = triggers
      .filter(({ name }) => name === 'looped' || name === 'self')
      .flatMap(({ functions }) => functions);
    return rows.length === 2 && rows.every(({ read }) => read >= 5);
  });
  const [looped, self] = await Promise.all([refused('looped'), refused('self')]);
  expect(looped[0]).toMatch(
    /^function looped is not called: http:\/\/localhost:\d+ leads to (127\.0\.0\.1|::1), which is never called: loopback, /,
  );
  expect(self[0]).toContain(`leads to ${podAddress()}, which is never called`);
  await controller.stop();
  expect([...loopback.records, ...recorder.records]).toEqual([]);
});

test('an EndpointSlice that names no pod, and a Service that points elsewhere, are refused with a sentence', async () => {
  await using subject = await createSubject(await sharedNats());
  await using recorder = await startRecorder(['sliced']);
  const service = (spec: object): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'outside', labels: { app: 'outside', 'trigate.dev/function': 'true' } },
    spec,
  });
  await apply(
    functionObject('shop', 'sliced', { app: 'sliced' }),
    // An address of loopback cannot be stored in one; the metadata service of a cloud neither: kube-apiserver refuses both.
    endpointSlice('shop', 'sliced', 'http://0.1.2.3:80'),
    service({ type: 'ExternalName', externalName: 'kubernetes.default.svc', ports: [{ port: 443 }] }),
    trigger('sliced', subject.name),
    trigger('outside', subject.name),
  );
  await using controller = await release.start('nats');
  const [sliced] = await refused('sliced');
  expect(sliced).toMatch(
    /^function sliced is not called: an EndpointSlice of its Service names 0\.1\.2\.3, which is never/,
  );
  expect(await refused('outside')).toEqual([
    'function outside is not called: its Service is of type ExternalName',
    'function outside is not called: its Service is of type ExternalName',
  ]);
  // It heals without anybody starting anything again.
  await using pod = await startRecorder(['sliced'], podAddress());
  await apply(endpointSlice('shop', 'sliced', pod.url('sliced')));
  await ready('sliced');
  await subject.publish(5);
  await pod.waitFor('5 messages', ({ distinct }) => distinct() >= 5);
  await controller.stop();
  expect(recorder.records).toEqual([]);
});

/** A minute takes three seconds. */
const fastClock: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 20,
  after: (ms, callback) => systemClock.after(ms / 20, callback),
};

test('the right to read EndpointSlices is withdrawn: no pod is called that nobody tells of, until it is given back', async () => {
  const group = (name: string, ...resources: string[]) => ({ group: name, resources, verbs: ['get', 'list', 'watch'] });
  const rest = [group('kubeless.io', 'functions'), group('', 'services'), group('serving.knative.dev', 'services')];
  const all = [...rest, group('discovery.k8s.io', 'endpointslices')];
  const grant = async (rules: typeof rest, slices: 'yes' | 'no') => {
    await apply(...account('rights', 'reader', rules));
    const may = [
      'auth',
      'can-i',
      'watch',
      'endpointslices',
      '-n',
      'rights',
      '--as=system:serviceaccount:rights:reader',
    ];
    await eventually('the right is known', async () => (await kubectl(api, may)).stdout.trim() === slices);
  };
  await kubectlOk(api, ['create', 'namespace', 'rights']);
  await grant(all, 'yes');
  await apply(functionObject('rights', 'f', {}), endpointSlice('rights', 'f', 'http://10.1.2.3:8080'));

  await using proxy = await startApiProxy(api);
  const path = join(folder.path, 'reader');
  await writeFile(path, proxy.kubeconfig((await kubectlOk(api, ['create', 'token', 'reader', '-n', 'rights'])).trim()));
  const cluster = await openCluster({ access: { type: 'kubeconfig', files: [path], context: undefined } });
  onTestFinished(() => cluster.close());
  const said: string[] = [];
  const say = (_: object, message: string) => said.push(message);
  const directory = followClusterFunctions(() => false, new Refusals(() => false))(cluster.resources, {
    namespace: 'rights',
    onChange: () => {},
    clock: fastClock,
    log: { debug: () => {}, info: say, warn: say, error: say },
    signal: new AbortController().signal,
  });
  onTestFinished(() => directory.close());
  await directory.synced;
  const calls = () => directory.all().map(({ url, pods }) => pods?.[0] ?? url);
  expect(calls()).toEqual(['http://10.1.2.3:8080']);

  await grant(rest, 'no');
  proxy.cut();
  const byName = 'http://f.rights.svc:8080';
  await eventually('it is called by its name', () => calls()[0] === byName, { within: 30_000 });
  expect(said.filter((line) => line.startsWith('EndpointSlices cannot be read'))).toHaveLength(1);
  // The pod is gone, and its address is another one's.
  await apply(endpointSlice('rights', 'f', 'http://10.1.2.4:8080'));
  await grant(all, 'yes');
  await eventually('its pod is called', () => calls()[0] === 'http://10.1.2.4:8080', { within: 30_000 });
  expect(said.at(-1)).toBe('can be read now');
});
