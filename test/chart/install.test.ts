import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { helmBinary } from '../services/helm/helm.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../services/shared.ts';
import { kubectlOk } from '../support/cluster.ts';
import { CHART, ciValues, helm, valuesFile } from '../support/helm.ts';
import { type TempDir, tempDir } from '../support/temp.ts';

let api: KubeApi;
let home: TempDir;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  await helmBinary();
  home = await tempDir('helm');
  api = await startKubeApi();
  await kubectlOk(api, ['apply', '-f', '-'], JSON.stringify(serviceMonitors));
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await home?.remove();
});

/** What the chart uses of the Prometheus operator. */
const serviceMonitors = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', plural: 'servicemonitors', singular: 'servicemonitor' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** A namespace whose admission speaks up about pods that are not "restricted". */
async function restrictedNamespace(name: string): Promise<void> {
  const labels = Object.fromEntries(
    ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
  );
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await kubectlOk(api, ['create', '-f', '-'], JSON.stringify(namespace));
}

/** What helm says; a refusal fails the test. */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await helm(home.path, args, { KUBECONFIG: api.kubeconfig });
  if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout + stderr;
}

const json = async (...args: string[]): Promise<unknown> => JSON.parse(await kubectlOk(api, [...args, '-o', 'json']));

/** Of all Deployments: what a rollout would change. */
const generations = (namespace: string) =>
  kubectlOk(api, ['get', 'deployments', '-n', namespace, '-o', 'jsonpath={.items[*].metadata.generation}']);

describe.each(ciValues())('with the values %s, on a real API server', (name) => {
  const namespace = `ci-${name}`;
  // The definitions are of the whole cluster, and stay behind from the release before.
  const install = ['install', 'trigate', CHART, '-n', namespace, '-f', valuesFile(name), '--take-ownership'];
  const upgrade = ['upgrade', 'trigate', CHART, '-n', namespace, '-f', valuesFile(name)];

  test('installs without a warning of Pod Security, and upgrades from itself without a rollout', async () => {
    await restrictedNamespace(namespace);
    expect(await run(...install)).not.toMatch(/warning/i);
    const before = await generations(namespace);
    const secrets = await json('get', 'secrets', '-n', namespace, '-l', 'app.kubernetes.io/part-of=trigate');
    expect(await run(...upgrade)).not.toMatch(/warning/i);
    expect(await generations(namespace)).toBe(before);
    expect(await json('get', 'secrets', '-n', namespace, '-l', 'app.kubernetes.io/part-of=trigate')).toMatchObject({
      items: Object(secrets).items.map(({ data }: { data: unknown }) => ({ data })),
    });
    expect(await run('uninstall', 'trigate', '-n', namespace)).toContain('uninstalled');
    expect(await kubectlOk(api, ['get', 'deployments', '-n', namespace, '-o', 'name'])).toBe('');
    expect(await kubectlOk(api, ['get', 'crds', '-o', 'name'])).toContain('kafkatriggers.kubeless.io');
  });
});

test('a controller more, and one less, is an upgrade', async () => {
  await restrictedNamespace('changed');
  const release = ['trigate', CHART, '-n', 'changed', '--take-ownership'];
  await run('install', ...release);
  const names = () =>
    kubectlOk(api, ['get', 'deployments', '-n', 'changed', '-o', 'jsonpath={.items[*].metadata.name}']);
  expect(await names()).toBe('trigate-cronjob');
  await run('upgrade', ...release, '--set', 'controllers.kafka.enabled=true,controllers.cronjob.enabled=false');
  expect(await names()).toBe('trigate-kafka');
});

test('a pod that is not "restricted" is warned of: the tests above would have seen it', async () => {
  await restrictedNamespace('warned');
  const said = await run(
    'install',
    'trigate',
    CHART,
    ...[
      '-n',
      'warned',
      '--take-ownership',
      '--set',
      'pod.extraVolumes[0].name=host,pod.extraVolumes[0].hostPath.path=/',
    ],
  );
  expect(said).toMatch(/Warning: would violate PodSecurity .*"restricted:latest.*hostPath/);
});
