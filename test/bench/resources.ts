import { functionType } from '../../src/domain/function.ts';
import type { KubernetesObject } from '../../src/domain/resource.ts';
import type { Trigger } from '../../src/domain/trigger.ts';
import { endpointSliceType } from '../../src/functions/endpoint-slices.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { natsTriggerType } from '../../triggers/nats/spec.ts';
import { startKubeApi } from '../services/kube-apiserver/start.ts';
import { startNats } from '../services/nats.ts';
import { clusterClient, installCrds } from '../support/cluster.ts';
import { endpointSlice, functionObject } from '../support/cluster-objects.ts';
import { command } from '../support/command.ts';
import { startController } from '../support/controller-process.ts';
import { eventually } from '../support/eventually.ts';
import { usageOf } from './measure.ts';

const NAMESPACE = 'default';
const POD = 'http://192.0.2.2:8080';
const REQUESTS_AT_A_TIME = 32;
const IDLE_SECONDS = 10;
const WITHIN_MS = 120_000;

/** So many triggers, each of two functions, on a real API server: what a controller needs to start, to follow, and to wait. */
export async function resources(triggers: number): Promise<void> {
  console.log(`resources: ${triggers} NATS triggers, ${2 * triggers} functions, one controller`);
  const api = await startKubeApi();
  const nats = await startNats();
  await installCrds(api, (await command(['crds'])).stdout);
  await using client = clusterClient(api);
  await createAll(client.resources, triggers);

  const start = performance.now();
  const controller = await startController(['nats', '--functions-namespace', NAMESPACE], {
    KUBECONFIG: api.kubeconfig,
    NATS_URL: nats.url,
  });
  const { pid } = controller.process;
  print('ready', start);
  await eventually('every status is written', () => allReady(client.resources), { within: WITHIN_MS, every: 1_000 });
  print('all statuses written', start);

  const change = performance.now();
  await client.resources.patch(functionType, NAMESPACE, 'f0', { metadata: { labels: { group: '1' } } });
  await eventually('the change is seen', async () => (await functionsOf(client.resources, 't1')) === 3);
  print('a label changed, until the status says so', change);

  const before = usageOf(pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1_000));
  const after = usageOf(pid);
  const share = (after.cpu - before.cpu) / (IDLE_SECONDS * 1_000_000);
  console.log(`  ${'idle CPU'.padEnd(45)} ${(share * 100).toFixed(1).padStart(8)} %`);
  console.log(
    `  ${'peak RSS'.padEnd(45)} ${Math.round(after.peakRss / 1_048_576)
      .toString()
      .padStart(8)} MiB`,
  );
  await controller.stop();
  await api.stop();
  await nats.stop();
}

async function createAll(resources: Resources, triggers: number): Promise<void> {
  const work = objects(triggers);
  const createSome = async () => {
    for (const { type, object } of work) await resources.create(type, object);
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, createSome));
}

function* objects(triggers: number) {
  for (let i = 0; i < 2 * triggers; i++) {
    yield { type: functionType, object: functionObject(NAMESPACE, `f${i}`, { group: `${i >> 1}` }) };
    yield { type: endpointSliceType, object: endpointSlice(NAMESPACE, `f${i}`, POD) };
  }
  for (let i = 0; i < triggers; i++) yield { type: natsTriggerType, object: trigger(i) };
}

const trigger = (i: number): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'NATSTrigger',
  metadata: { namespace: NAMESPACE, name: `t${i}` },
  spec: { topic: `orders.${i}`, functionSelector: { matchLabels: { group: `${i}` } } },
});

async function allReady(resources: Resources): Promise<boolean> {
  const { items } = await resources.list<Trigger>(natsTriggerType, { namespace: NAMESPACE });
  const isReady = ({ status }: Trigger) =>
    status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True');
  return items.every(isReady);
}

async function functionsOf(resources: Resources, name: string): Promise<number> {
  const { status } = await resources.get<Trigger>(natsTriggerType, NAMESPACE, name);
  return status?.functions?.length ?? 0;
}

function print(what: string, since: number): void {
  console.log(`  ${what.padEnd(45)} ${((performance.now() - since) / 1000).toFixed(2).padStart(8)} s`);
}
