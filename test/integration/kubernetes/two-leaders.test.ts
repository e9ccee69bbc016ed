import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Trigger } from '../../../src/domain/trigger.ts';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { BUILDING_MS, type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { clusterClient, installCrds, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { type ControllerProcess, startController } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/*
 * Only one process may act for a watch, and for a tick. Here two believe that it is theirs: one is stopped for so long that
 * the other takes everything over, and then it goes on where it stood, with what it had read and with the claims it meant
 * to make. Clocks that differ are the matter of `npm run chaos -- cronjob` and of triggers/cronjob/model.test.ts.
 */

const NAMESPACE = 'shop';
const READ = ['get', 'list', 'watch'];
const rights = [
  {
    group: 'kubeless.io',
    resources: ['functions', 'cronjobtriggers', 'kubernetestriggers'],
    verbs: [...READ, 'patch'],
  },
  {
    group: 'kubeless.io',
    resources: ['cronjobtriggers/status', 'kubernetestriggers/status', 'watchcheckpoints/status'],
    verbs: ['update'],
  },
  { group: 'kubeless.io', resources: ['watchcheckpoints'], verbs: ['get', 'watch', 'create', 'delete'] },
  { group: '', resources: ['services'], verbs: READ },
  { group: '', resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
  { group: 'discovery.k8s.io', resources: ['endpointslices'], verbs: READ },
];

let api: KubeApi;
let folder: TempDir;
let recorder: Recorder;

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
  folder = await tempDir('leaders');
  api = await startKubeApi();
  recorder = await startRecorder(['tick', 'change'], podAddress());
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
  await apply(
    ...account(NAMESPACE, 'controller', rights),
    ...['tick', 'change'].flatMap((name) => [
      functionObject(NAMESPACE, name, { app: name }),
      endpointSlice(NAMESPACE, name, recorder.url(name)),
    ]),
    triggerOf('CronJobTrigger', 'ticks', { schedule: '@every 1s', 'function-name': 'tick' }),
    triggerOf('KubernetesTrigger', 'changes', {
      resource: { apiVersion: 'v1', kind: 'ConfigMap' },
      fieldSelector: 'metadata.name=watched',
      functionSelector: { matchLabels: { app: 'change' } },
    }),
  );
}, BUILDING_MS);
afterAll(async () => {
  await recorder?.close();
  await api?.stop();
  await folder?.remove();
});

const apply = (...items: object[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const triggerOf = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind,
  metadata: { namespace: NAMESPACE, name },
  spec,
});

async function start(): Promise<ControllerProcess> {
  const token = await kubectlOk(api, ['create', 'token', 'controller', '-n', NAMESPACE]);
  const path = join(folder.path, 'kubeconfig');
  await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
  return startController(['cronjob', 'kubernetes', '--functions-namespace', NAMESPACE], { KUBECONFIG: path });
}

/** Writes numbers until the function has got one of them. */
async function reaches(from: number): Promise<number> {
  const before = recorder.of('change').length;
  let next = from;
  const isReached = async () => {
    await write(next++);
    return recorder.of('change').length > before;
  };
  await eventually('a change reaches the function', isReached, { within: 60_000, every: 200 });
  return next;
}

const write = (value: number): Promise<string> =>
  apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: NAMESPACE, name: 'watched' },
    data: { value: `${value}` },
  });

async function isHolder({ ledger }: ControllerProcess): Promise<boolean> {
  const report = (await ledger()).triggers.find(({ name }) => name === 'changes');
  return (report?.functions[0]?.claimed ?? 0) > 0;
}

/** What the conditions of the watch have said, each time one of them changed its status or its reason. */
async function follow(
  signal: AbortSignal,
  resources: ReturnType<typeof clusterClient>['resources'],
): Promise<string[]> {
  const said: string[] = [];
  const events = await resources.watch<Trigger>(kubernetesTriggerType, { namespace: NAMESPACE, signal });
  void (async () => {
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      const conditions = event.object.status?.conditions ?? [];
      const now = conditions
        .map(({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`)
        .join('\n');
      if (said.at(-1) !== now) said.push(now);
    }
  })().catch(() => {});
  return said;
}

test('two processes that both believe to hold everything deliver nothing twice, and agree in what they tell', async () => {
  await using client = clusterClient(api);
  const one = await start();
  const other = await start();
  let next = await reaches(0);
  await recorder.waitFor('ticks', ({ of }) => of('tick').length >= 3);
  const [holder, standby] = (await isHolder(one)) ? [one, other] : [other, one];
  expect(await isHolder(standby)).toBe(false);

  const watching = new AbortController();
  const said = await follow(watching.signal, client.resources);
  // Stopped in the middle of what it does: it holds the watch, and ticks that it has claimed ahead.
  holder.process.kill('SIGSTOP');
  next = await reaches(next);
  const ticks = recorder.of('tick').length;
  await recorder.waitFor('the other fires', ({ of }) => of('tick').length >= ticks + 3, 60_000);
  holder.process.kill('SIGCONT');
  for (let n = 0; n < 20; n++) await write(next++);
  await recorder.waitFor('the last change', ({ of }) =>
    of('change').some(({ body }) => JSON.parse(body ?? '{}').data?.value === `${next - 1}`),
  );
  const since = recorder.of('tick').length;
  await recorder.waitFor('ticks of both', ({ of }) => of('tick').length >= since + 5, 60_000);
  await eventually('the first one has seen that it holds nothing', async () => !(await isHolder(holder)));
  watching.abort();
  await Promise.all([one.stop(), other.stop()]);

  expect(recorder.distinct()).toBe(recorder.records.length);
  const values = recorder.of('change').map(({ body }) => Number(JSON.parse(body ?? '{}').data.value));
  expect(values).toEqual([...new Set(values)].toSorted((a, b) => a - b));
  // As it was found, and at the most once more by the one that took over.
  expect(said.length).toBeLessThanOrEqual(2);
  for (const each of said) expect(each).toMatch(/^Ready True/);
});
