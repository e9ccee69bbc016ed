import { expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import { addCounts, noCounts, total } from '../../../src/domain/ledger.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { ResourceError } from '../../../src/resources/resource-error.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { readRecord } from '../../../triggers/kubernetes/checkpoint.ts';
import { eventually } from '../../support/eventually.ts';
import { startRig, type WatchRig } from './rig.ts';

const ROUNDS = 6;

/** One function after the other, each under a name of its own, gets a change at least. */
async function goThroughNames(rig: WatchRig): Promise<void> {
  const { resources, recorder } = rig;
  for (let i = 0; i < ROUNDS; i++) {
    const recorded = i % 2 === 0 ? 'f' : 'g';
    await resources.create<KubernetesObject>(functionType, {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'Function',
      metadata: { name: `preview-${i}`, namespace: 'default', labels: { app: 'preview' } },
      spec: { endpoint: recorder.url(recorded) },
    });
    if (i > 0) await resources.delete(functionType, 'default', `preview-${i - 1}`);
    const requests = recorder.of(recorded).length;
    let writes = 0;
    await eventually(`preview-${i} is called`, async () => {
      await rig.write('object', `${i} ${writes++}`);
      return recorder.of(recorded).length > requests;
    });
  }
}

/** What is stored: how many functions have counts of their own, and the sum of all. */
async function stored(rig: WatchRig) {
  const [checkpoint] = await rig.checkpoints();
  const record = checkpoint && readRecord(checkpoint);
  const rows = [...(record?.members.values() ?? [])].flatMap(({ functions }) => [...functions.values()]);
  const sum = noCounts();
  for (const counts of [...rows, record?.left ?? noCounts()]) addCounts(sum, counts, 1);
  return { rows: rows.length, left: record?.left, sum };
}

test.each(['isolated', 'shared'])(
  'functions that have left take no room from others, and stay counted: fanout %s',
  {
    timeout: 60_000,
  },
  async (fanout) => {
    const rig = await startRig();
    const limits = { rows: 3, leftRows: 1, leftMs: 0 };
    const controller = await rig.controller({ limits });
    await rig.trigger('t', { fanout, functionSelector: { matchLabels: { app: 'preview' } } });
    await goThroughNames(rig);
    await controller.close();
    const { rows, left, sum } = await stored(rig);
    expect(rows).toBeLessThanOrEqual(limits.rows);
    expect(left?.delivered).toBeGreaterThan(0);
    expect(sum.delivered).toBe(rig.recorder.records.length);
    expect(sum.claimed).toBe(sum.delivered + total(sum.unknown));
  },
);

test('a checkpoint that is too large to be stored forgets those that have left, and goes on', {
  timeout: 60_000,
}, async () => {
  const rig = await startRig();
  const small = refusing(rig.resources, 1_000);
  const controller = await rig.controller({ limits: { leftMs: 0 } }, small.resources);
  await rig.trigger('t', { functionSelector: { matchLabels: { app: 'preview' } } });
  await goThroughNames(rig);
  await controller.close();
  const { left, sum } = await stored(rig);
  expect(small.refused()).toBeGreaterThan(0);
  expect(left?.delivered).toBeGreaterThan(0);
  expect(sum.delivered).toBe(rig.recorder.records.length);
});

/** As an API server whose etcd takes no more than so many bytes. */
function refusing(real: Resources, most: number) {
  let refused = 0;
  const resources: Resources = {
    ...real,
    async replaceStatus(type, object, options) {
      if (type.kind !== 'WatchCheckpoint' || JSON.stringify(object.status).length <= most)
        return real.replaceStatus(type, object, options);
      refused++;
      throw new ResourceError('INTERNAL', 'etcdserver: request is too large', {});
    },
  };
  return { resources, refused: () => refused };
}
