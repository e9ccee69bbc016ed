import { expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { createResources } from '../../../src/resources/client.ts';
import { configMapType } from '../../../src/standalone/api/core-types.ts';
import { checkLedger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/gateway.ts';
import { functionAt } from '../../support/manifests.ts';
import { startRecorder } from '../../support/recorder.ts';

const trigger = {
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KubernetesTrigger',
  metadata: { name: 'maps' },
  spec: { resource: { apiVersion: 'v1', kind: 'ConfigMap' }, functionSelector: { matchLabels: { app: 'f' } } },
};

test('a standalone gateway watches its own objects, and after kill -9 goes on behind what it claimed, without a gap', async () => {
  await using recorder = await startRecorder(['f']);
  await using gateway = await startGateway({ manifests: [functionAt('f', recorder.url('f'), { app: 'f' }), trigger] });
  const resources = createResources({ url: gateway.url });
  const create = (name: string) => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } };
    return resources.create<KubernetesObject>(configMapType, object);
  };
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 20; i++) await create(`a-${round}-${i}`);
    await recorder.waitFor('all of the round', ({ records }) => records.length === 20 * (round + 1));
    await gateway.kill('SIGKILL');
    await gateway.restart();
  }
  const ledger = await eventually('all is counted', async () => {
    const found = await gateway.ledger();
    return found.triggers[0]?.functions[0]?.read === 60 && found;
  });
  expect(recorder.records).toHaveLength(60);
  expect(recorder.distinct()).toBe(60);
  expect(ledger.triggers[0]?.gaps).toEqual([]);
  expect(checkLedger(ledger)).toEqual([]);
  await resources.close();
});
