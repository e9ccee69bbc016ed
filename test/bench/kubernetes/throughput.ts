import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { configMapType } from '../../../src/standalone/api/core-types.ts';
import { watchCheckpointType } from '../../../triggers/kubernetes/checkpoint.ts';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { type ClusterClient, clusterClient, installCrds, kubectlOk } from '../../support/cluster.ts';
import { endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { startController } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { type BareCaller, callers } from '../bare-calls.ts';
import { measure, printResults, type Result, startFunction } from '../measure.ts';

const NAMESPACE = 'bench';
const OBJECTS = 100;
const WRITERS = 32;
const labels = { bench: 'yes' };
const fill = 'x'.repeat(600);

/**
 * The controller beside the bare loop, both over the same changes, which wait on the API server when each begins.
 * @param events at most 100,000, and written in little more than a minute: more the watch cache of an API server forgets
 */
export async function watchThroughput(events: number, rounds: number): Promise<void> {
  await using api = await startKubeApi();
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
  await using client = clusterClient(api);
  await eachObject((name) => client.resources.create<KubernetesObject>(configMapType, configMap(name)));
  const results = new Map<BareCaller, Result[]>(callers.map((caller) => [caller, []]));
  for (let round = 1; round <= rounds; round++)
    for (const [caller, of] of results) of.push(...(await oneRound(api, client, events, caller, `r${round}${caller}`)));
  printResults(`watch of ConfigMaps: ${events} changes of ${fill.length} bytes`, results);
}

async function oneRound(api: KubeApi, client: ClusterClient, events: number, caller: BareCaller, name: string) {
  const address = podAddress();
  const target = await startFunction('fast', address);
  const items = [
    functionObject(NAMESPACE, name, { app: name }),
    endpointSlice(NAMESPACE, name, target.url),
    trigger(name),
  ];
  await kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await using controller = await startController(['kubernetes', '--functions-namespace', NAMESPACE], {
    KUBECONFIG: api.kubeconfig,
    TRIGATE_CALLER: caller,
  });
  await eventually('the position is stored', async () => {
    const { items } = await client.resources.list(watchCheckpointType, { namespace: NAMESPACE });
    return JSON.stringify(items).includes(`"trigger":"${name}"`);
  });
  const { resourceVersion } = await client.resources.list(configMapType, { namespace: NAMESPACE, limit: 1 });
  await change(client, events);

  const bareTarget = await startFunction('fast');
  const args = [
    join(import.meta.dirname, 'bare-loop.ts'),
    api.url,
    api.ca,
    api.token,
    resourceVersion,
    bareTarget.url,
    caller,
  ];
  const loop = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await createInterface(loop.stdout)[Symbol.asyncIterator]().next();
  loop.stdin.write('\n');
  const bare = await measure('bare loop', loop.pid ?? 0, events, bareTarget.received(events));
  loop.stdin.end();
  bareTarget.stop();

  await client.resources.patch(kubernetesTriggerType, NAMESPACE, name, { spec: { paused: false } });
  const gateway = await measure('controller', controller.process.pid, events, target.received(events));
  await client.resources.delete(kubernetesTriggerType, NAMESPACE, name);
  await controller.stop();
  target.stop();
  return [bare, gateway];
}

const trigger = (name: string): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KubernetesTrigger',
  metadata: { namespace: NAMESPACE, name },
  spec: {
    resource: { apiVersion: 'v1', kind: 'ConfigMap' },
    labelSelector: { matchLabels: labels },
    functionSelector: { matchLabels: { app: name } },
    delivery: { concurrency: 64, order: 'none' },
    paused: true,
  },
});

const configMap = (name: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: NAMESPACE, name, labels },
  data: { fill, n: '0' },
});

async function eachObject(work: (name: string) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: OBJECTS }, (_, i) => work(`object-${i}`)));
}

async function change({ resources }: ClusterClient, events: number): Promise<void> {
  let n = 0;
  const write = async () => {
    while (n < events) {
      const i = n++;
      await resources.patch(configMapType, NAMESPACE, `object-${i % OBJECTS}`, { data: { n: `${i + 1}` } });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}
