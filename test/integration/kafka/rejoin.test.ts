import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { sharedKafka } from '../../services/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/gateway.ts';
import { createTopic } from '../../support/kafka.ts';
import { functionAt, triggerFor } from '../../support/manifests.ts';
import { startRecorder } from '../../support/recorder.ts';

test('a label that is removed and put back: what came meanwhile is passed over with onRejoin: newest, and counted', async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(['f', 'g']);
  const labels = { app: 'shop' };
  await using gateway = await startGateway({
    env: { KAFKA_BROKERS: brokers.join() },
    manifests: [
      functionAt('f', recorder.url('f'), labels),
      functionAt('g', recorder.url('g'), labels),
      triggerFor('kafka', 'orders', topic.name, labels, { onRejoin: 'newest' }),
    ],
  });
  const rowOf = async (name: string) =>
    (await gateway.ledger()).triggers.flatMap(({ functions }) => functions).find((row) => row.name === name);
  const label = (given: Readonly<Record<string, string>>) =>
    writeFile(join(gateway.manifestDir, '0.yaml'), stringify(functionAt('f', recorder.url('f'), given)));
  const selected = async (names: readonly string[]) => {
    const path = `/apis/kubeless.io/v1beta1/namespaces/default/kafkatriggers/orders`;
    await eventually(`${names} are selected`, async () => {
      const { status } = (await gateway.get(path)) as { status?: { functions?: string[] } };
      return status?.functions?.join() === names.join();
    });
  };
  const delivered = (name: string, events: number) =>
    eventually(`${name} has ${events}`, async () => (await rowOf(name))?.delivered === events, { within: 30_000 });

  await topic.produce(20);
  await delivered('f', 20);
  await label({ app: 'other' });
  await selected(['g']);
  await topic.produce(30, { from: 20 });
  await delivered('g', 50);
  await label(labels);
  await selected(['f', 'g']);
  await eventually('what passed is counted', async () => (await rowOf('f'))?.read === 50, { within: 30_000 });
  await topic.produce(20, { from: 50 });
  await delivered('f', 40);
  await delivered('g', 70);
  expect(await rowOf('f')).toMatchObject({ read: 70, claimed: 40, droppedBeforeClaim: { paused_skip: 30 } });
  expect(recorder.of('f').length).toBe(40);
});
