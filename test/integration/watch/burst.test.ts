import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { servedTypes } from '../../../src/cli/served-types.ts';
import { functionType } from '../../../src/domain/function.ts';
import { total } from '../../../src/domain/ledger.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { createResources } from '../../../src/resources/client.ts';
import { embeddedApi } from '../../../src/standalone/api/embedded-api.ts';
import { createObjectStore, type ObjectStore } from '../../../src/standalone/api/object-store.ts';
import { readRecord, type WatchCheckpoint, watchCheckpointType } from '../../../triggers/kubernetes/checkpoint.ts';
import { createKubernetesKind, kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { eventually } from '../../support/eventually.ts';
import { HELD_MEMORY, heldMemory } from '../../support/held-memory.ts';
import { startProcess } from '../../support/process.ts';
import { startRecorder } from '../../support/recorder.ts';

const PROGRAM = join(import.meta.dirname, '../../chaos/kubernetes/process.ts');
const MIB = 2 ** 20;
/** 80 MiB of text; a backlog may hold 16. */
const CHANGES = 20_000;
const LOOKS = 10;
/** Of what is held beside the 31 MiB of a process that does nothing. It is 13 to 22, and 40 without a bound for the backlog. */
const GROWTH_MIB = 30;
const PER_TURN = 50;
/** Of changes that come 5,000 in a second. */
const TURN_MS = 10;
const fill = 'x'.repeat(4_096);

test('a burst of 5,000 changes a second for a slow function costs bounded memory, and each is counted', {
  timeout: 240_000,
}, async () => {
  const { store, url } = await startApi();
  const recorder = await startRecorder(['slow']);
  onTestFinished(() => recorder.close());
  recorder.behave('slow', { type: 'answer', status: 200, afterMs: 50 });
  const resources = createResources({ url });
  onTestFinished(() => resources.close());
  await resources.create(functionType, functionAt(recorder.url('slow')));
  await resources.create(kubernetesTriggerType, trigger);
  const args = [...HELD_MEMORY, PROGRAM, JSON.stringify({ url }), '0'];
  const controller = await startProcess(process.execPath, args, { name: 'watch' });
  onTestFinished(() => controller.stop('SIGKILL', 0).then(() => {}));
  const row = async () => {
    const { items } = await resources.list<WatchCheckpoint>(watchCheckpointType, { namespace: 'default' });
    const [member] = [...((items[0] && readRecord(items[0]))?.members.values() ?? [])];
    return member && { gaps: member.gaps, counts: member.functions.get('slow') };
  };
  await eventually('the watch is held', async () => (await row())?.counts, { within: 60_000 });

  const decided = async () => {
    const now = await row();
    return now?.counts?.read === CHANGES && { gaps: now.gaps, counts: now.counts };
  };
  const idle = await heldMemory(controller);
  const held: number[] = [];
  for (let n = 0; n < CHANGES; n += CHANGES / LOOKS) {
    await burst(store, CHANGES / LOOKS);
    held.push(await heldMemory(controller));
  }
  const { gaps, counts } = await eventually('all are decided on', decided, { within: 90_000, every: 100 });
  const grown = (Math.max(...held) - idle) / MIB;

  expect(gaps).toBeUndefined();
  expect(total(counts.droppedBeforeClaim)).toBe(counts.droppedBeforeClaim.overflow);
  expect(counts.claimed + counts.droppedBeforeClaim.overflow).toBe(CHANGES);
  expect(counts.droppedBeforeClaim.overflow).toBeGreaterThan(CHANGES / 2);
  expect(grown).toBeLessThan(GROWTH_MIB);
});

async function startApi(): Promise<{ store: ObjectStore; url: string }> {
  const db = new DatabaseSync(':memory:');
  const store = createObjectStore(db, { history: { changes: 2 * CHANGES, bytes: 2 ** 30 } });
  const server = fastify({ forceCloseConnections: true });
  await server.register(
    embeddedApi({ store, types: servedTypes([createKubernetesKind({ home: never, alone: true })]) }),
  );
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await server.close();
    store.close();
    db.close();
  });
  return { store, url };
}

/** Changes of 500 objects, written past the API: through it they could not come so fast. */
async function burst(store: ObjectStore, changes: number): Promise<void> {
  for (let n = 0; n < changes; n += PER_TURN) {
    await store.transact(() => {
      for (let i = n; i < n + PER_TURN; i++) {
        const name = `object-${i % 500}`;
        store.put({ resource: 'configmaps', namespace: 'default', name }, configMap(name, i));
      }
    });
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
}

const configMap = (name: string, n: number): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { burst: 'yes' } },
  data: { fill, n: `${n}` },
});

const functionAt = (endpoint: string): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'Function',
  metadata: { name: 'slow', namespace: 'default', labels: { app: 'slow' } },
  spec: { endpoint },
});

const trigger: KubernetesObject = {
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KubernetesTrigger',
  metadata: { name: 'burst', namespace: 'default' },
  spec: {
    resource: { apiVersion: 'v1', kind: 'ConfigMap' },
    labelSelector: { matchLabels: { burst: 'yes' } },
    functionSelector: { matchLabels: { app: 'slow' } },
    delivery: { concurrency: 4, order: 'none', stall: '5s' },
  },
};

const never = (): never => {
  throw new Error('this kind only says what its types are');
};
