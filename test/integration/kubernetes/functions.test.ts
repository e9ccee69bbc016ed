import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { helmBinary } from '../../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedNats } from '../../services/shared.ts';
import { installRelease, type Release } from '../../support/chart.ts';
import { installCrds, kubectlOk } from '../../support/cluster.ts';
import { podAddress } from '../../support/cluster-objects.ts';
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
  await Promise.all([ready('listed'), ready('other')]);
  await subject.publish(20);
  await recorder.waitFor('20 messages', ({ of }) => of('listed').length >= 20);
  const dropped = await eventually('what could not be called is counted', async () => {
    const report = (await controller.ledger()).triggers.find(({ name }) => name === 'other');
    return report?.functions[0]?.droppedBeforeClaim.no_endpoint;
  });
  expect([dropped, recorder.of('other')]).toEqual([20, []]);
});

test('a name that leads to this machine, or to the controller itself, is not called', async () => {
  await using subject = await createSubject(await sharedNats());
  await using loopback = await startRecorder(['looped']);
  await using recorder = await startRecorder(['self'], podAddress());
  await knativeService('looped', loopback.url('looped').replace('127.0.0.1', 'localhost'));
  await knativeService('self', recorder.url('self'));
  await apply(trigger('looped', subject.name), trigger('self', subject.name));
  await using controller = await release.start('nats', { POD_IPS: podAddress() });
  await Promise.all([ready('looped'), ready('self')]);
  await subject.publish(5);
  await eventually('it was not called', async () => {
    const { triggers } = await controller.ledger();
    const rows = triggers
      .filter(({ name }) => name === 'looped' || name === 'self')
      .flatMap(({ functions }) => functions);
    return rows.length === 2 && rows.every(({ read }) => read >= 5);
  });
  await controller.stop();
  expect([...loopback.records, ...recorder.records]).toEqual([]);
});
