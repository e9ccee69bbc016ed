import { expect, test } from 'vitest';
import { z } from 'zod';
import { sharedKafka } from '../services/shared.ts';
import { checkDelivery, checkLedger } from '../support/checker.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { httpPublisher } from '../support/http-publisher.ts';
import { createTopic } from '../support/kafka.ts';
import { functionAt, triggerFor } from '../support/manifests.ts';
import { numberedBodies } from '../support/numbered.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';

const COUNT = 3_000;
const functions = ['audit', 'email'] as const;

const manifests = (recorder: Recorder, topic: string): object[] => [
  ...functions.map((name) => functionAt(name, recorder.url(name), { app: 'shop' })),
  triggerFor('kafka', 'orders', topic, { app: 'shop' }, { delivery: { room: 64, concurrency: 8 } }),
];

const totals = z.object({
  claimed: z.number(),
  delivered: z.number(),
  rejected: z.number(),
  unknown: z.number(),
  dropped: z.number(),
  balanced: z.boolean(),
});

/** Ctrl-C, its end with exit code 0, and the totals that it printed. */
async function interrupt(gateway: Gateway) {
  await gateway.kill('SIGINT');
  expect(await gateway.exited()).toEqual({ code: 0, signal: null });
  return totals.parse(JSON.parse(await gateway.line(/"msg":"stopped"/)));
}

/** Stops it while it is busy, twice, and looks that each event comes once all the same. */
async function stopUnderLoad(gateway: Gateway, recorder: Recorder): Promise<void> {
  let slowFrom = 0;
  for (const name of functions) {
    recorder.behave(name, () => ({
      type: 'answer',
      status: 200,
      afterMs: recorder.records.length < slowFrom ? 1 : 300,
    }));
  }
  for (const requests of [200, 1_500]) {
    // From here on it would take minutes: it is busy when it is told to stop.
    slowFrom = requests;
    await recorder.waitFor('it is busy', ({ records }) => records.length >= requests);
    const counted = await interrupt(gateway);
    const received = recorder.records.length;
    expect(counted).toEqual({
      claimed: received,
      delivered: received,
      rejected: 0,
      unknown: 0,
      dropped: 0,
      balanced: true,
    });
    expect(received).toBeLessThan(2 * COUNT);
    slowFrom = Number.POSITIVE_INFINITY;
    await gateway.restart();
  }
  await recorder.waitFor('the rest', () => recorder.distinct() >= 2 * COUNT, 60_000);
  const findings = checkDelivery({ functions, bodies: numberedBodies(COUNT) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
  const ledger = await eventually('all is accounted', async () => {
    const report = await gateway.ledger();
    const rows = report.triggers.flatMap((trigger) => trigger.functions);
    return rows.every(({ delivered }) => delivered === COUNT) && report;
  });
  expect(checkLedger(ledger)).toEqual([]);
}

test('Kafka: stopped under load it ends what it has claimed; the next start goes on there, nothing lost, nothing twice', async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers, { partitions: 4 });
  await using recorder = await startRecorder(functions);
  await using gateway = await startGateway({
    manifests: manifests(recorder, topic.name),
    env: { KAFKA_BROKERS: brokers.join() },
  });
  await topic.produce(COUNT);
  await stopUnderLoad(gateway, recorder);
});

test('embedded log: the same', async () => {
  await using recorder = await startRecorder(functions);
  await using gateway = await startGateway({ manifests: manifests(recorder, 'orders') });
  await using publisher = httpPublisher(gateway.url);
  expect((await publisher.publish('orders', numberedBodies(COUNT))).stored.length).toBe(COUNT);
  await stopUnderLoad(gateway, recorder);
});

test('a call that does not end is given up at the deadline, counted, and not made again', async () => {
  await using recorder = await startRecorder(['slow']);
  recorder.behave('slow', { type: 'hang' });
  await using gateway = await startGateway({
    manifests: [
      functionAt('slow', recorder.url('slow'), { app: 'slow' }),
      triggerFor('kafka', 't', 'slow', { app: 'slow' }),
    ],
    args: ['--shutdown-deadline', '3s'],
  });
  await using publisher = httpPublisher(gateway.url);
  await publisher.publish('slow', ['first']);
  await recorder.waitFor('the call', ({ records }) => records.length === 1);
  expect(await interrupt(gateway)).toMatchObject({ claimed: 1, delivered: 0, unknown: 1, balanced: true });

  recorder.behave('slow', { type: 'answer', status: 200 });
  await gateway.restart();
  await publisher.publish('slow', ['second']);
  await recorder.waitFor('the next event', ({ records }) => records.length === 2);
  expect(recorder.records.map(({ body }) => body)).toEqual(['first', 'second']);
  const row = await eventually('it is accounted', async () => {
    const { triggers } = await gateway.ledger();
    const found = triggers[0]?.functions[0];
    return found?.delivered === 1 && found;
  });
  expect(row).toMatchObject({ read: 2, claimed: 2, unknown: { aborted: 1 }, inFlight: 0 });
});
