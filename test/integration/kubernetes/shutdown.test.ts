import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart, sharedNats } from '../../services/shared.ts';
import { startApiProxy } from '../../support/api-proxy.ts';
import { installCrds, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { startController } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/* An API server that takes requests and answers none holds up nobody: a pod must be gone before its node kills it. */

const NAMESPACE = 'shop';
/** Less than half of what the client gives the API server for an answer. */
const DEADLINE = '4s';
const GRACE_MS = 12_000;

let api: KubeApi;
let folder: TempDir;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  folder = await tempDir('shutdown');
  api = await startKubeApi();
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
  const all = { group: '*', resources: ['*'], verbs: ['*'] };
  await apply(...account(NAMESPACE, 'controller', [all]));
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await folder?.remove();
});

const apply = (...items: KubernetesObject[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const triggerOf = (kind: string, name: string, spec: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind,
  metadata: { namespace: NAMESPACE, name, ...metadata },
  spec,
});

test('a controller ends by its deadline though the API server answers nothing: schedules, watches, finalizers and all', async () => {
  await using proxy = await startApiProxy(api);
  await using recorder = await startRecorder(['f'], podAddress());
  const functionSelector = { matchLabels: { app: 'f' } };
  await apply(
    functionObject(NAMESPACE, 'f', { app: 'f' }),
    endpointSlice(NAMESPACE, 'f', recorder.url('f')),
    triggerOf('CronJobTrigger', 'ticks', { schedule: '@every 1s', 'function-name': 'f' }),
    triggerOf('KubernetesTrigger', 'changes', { resource: { apiVersion: 'v1', kind: 'ConfigMap' }, functionSelector }),
    triggerOf('NATSTrigger', 'held', { topic: 'held', functionSelector }, { finalizers: ['kubeless.io/natstrigger'] }),
  );
  const token = await kubectlOk(api, ['create', 'token', 'controller', '-n', NAMESPACE]);
  const path = join(folder.path, 'kubeconfig');
  await writeFile(path, proxy.kubeconfig(token.trim()));
  const controller = await startController(['cronjob', 'kubernetes', 'nats', '--functions-namespace', NAMESPACE], {
    KUBECONFIG: path,
    NATS_URL: await sharedNats(),
    TRIGATE_SHUTDOWN_DEADLINE: DEADLINE,
  });
  await recorder.waitFor('ticks', ({ records }) => records.length >= 3);
  let unanswered = 0;
  proxy.fault = ({ isWatch, method }) => {
    if (isWatch) return undefined;
    unanswered += method === 'GET' ? 0 : 1;
    return { type: 'silent' };
  };
  // Something of each sort is under way: a claim, a change of a watch, a finalizer to be removed.
  await kubectlOk(api, ['delete', '-n', NAMESPACE, 'nt', 'held', '--wait=false']);
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: NAMESPACE, name: 'a' } });
  await eventually('three requests have no answer', () => unanswered >= 3, { within: 20_000 });
  const { code, signal } = await controller.process.stop('SIGTERM', GRACE_MS);
  if (code !== 0) throw controller.process.story(`it ended with ${code ?? signal}`);
  expect(recorder.distinct()).toBe(recorder.records.length);
});
