import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRecord } from '../../../triggers/cronjob/record.ts';
import { BUILDING_MS, type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { installCrds, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { startController } from '../../support/controller-process.ts';
import { startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const NAMESPACE = 'shop';
const READ = ['get', 'list', 'watch'];
/** All that a controller of cron needs. */
const rights = [
  { group: 'kubeless.io', resources: ['functions'], verbs: READ },
  { group: 'kubeless.io', resources: ['cronjobtriggers'], verbs: [...READ, 'patch'] },
  { group: 'kubeless.io', resources: ['cronjobtriggers/status'], verbs: ['update'] },
  { group: '', resources: ['services'], verbs: READ },
  { group: 'discovery.k8s.io', resources: ['endpointslices'], verbs: READ },
];

let api: KubeApi;
let folder: TempDir;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  folder = await tempDir('cron');
  api = await startKubeApi();
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
  await folder?.remove();
});

async function start() {
  const token = await kubectlOk(api, ['create', 'token', 'controller', '-n', NAMESPACE]);
  const path = join(folder.path, 'kubeconfig');
  await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
  return startController(['cronjob', '--functions-namespace', NAMESPACE], { KUBECONFIG: path });
}

async function storedRecord() {
  const text = await kubectlOk(api, ['get', '-n', NAMESPACE, 'cjt', 'ticks', '-o', 'json']);
  const { metadata, status } = JSON.parse(text);
  return readRecord(status.claims.tick, metadata.uid) ?? expect.fail();
}

test('on a real API server three controllers, one killed and one frozen, fire no tick twice and account for each', async () => {
  await using recorder = await startRecorder(['tick'], podAddress());
  const objects = [
    ...account(NAMESPACE, 'controller', rights),
    functionObject(NAMESPACE, 'tick', { app: 'tick' }),
    endpointSlice(NAMESPACE, 'tick', recorder.url('tick')),
    {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'CronJobTrigger',
      metadata: { namespace: NAMESPACE, name: 'ticks' },
      spec: { schedule: '@every 1s', 'function-name': 'tick' },
    },
  ];
  await kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const more = (ticks: number) => {
    const wanted = recorder.records.length + ticks;
    return recorder.waitFor(`request ${wanted}`, ({ records }) => records.length >= wanted);
  };
  const killed = await start();
  await using frozen = await start();
  await using other = await start();
  await more(3);
  const first = await storedRecord();
  await killed.process.stop('SIGKILL', 0);
  await more(3);
  frozen.process.kill('SIGSTOP');
  await more(3);
  frozen.process.kill('SIGCONT');
  await more(3);
  await Promise.all([frozen.stop(), other.stop()]);

  expect(recorder.distinct()).toBe(recorder.records.length);
  const last = await storedRecord();
  const accounted = ({ counts, open }: typeof last) => (counts.tick?.read ?? 0) + open.length;
  expect(accounted(last) - accounted(first)).toBe((last.decidedThrough - first.decidedThrough) / 1_000);
  // Only what was killed can be open: its lease lasts longer than this test.
  expect(last.open.length).toBeLessThanOrEqual(1);
});
