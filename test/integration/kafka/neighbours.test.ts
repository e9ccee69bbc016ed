import { expect, test } from 'vitest';
import { sharedKafka } from '../../services/shared.ts';
import { checkDelivery } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic } from '../../support/kafka.ts';
import { type Replica, startReplica } from '../../support/kafka-subscription.ts';
import { startRecorder } from '../../support/recorder.ts';

const EVENTS = 400;
const functions = ['good', 'slow', 'dead'] as const;

test('isolated: a good function gets everything beside a slow and a dead one, and none of them loses anything', async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(functions);
  let isGoodDone = false;
  // Until then no 32 of its calls end.
  recorder.behave('slow', () => ({ type: 'answer', status: 200, afterMs: isGoodDone ? 0 : 5_000 }));
  await recorder.down('dead');
  const spec = { startFrom: 'earliest' };
  const start = (name: string) => startReplica({ brokers, topic: topic.name, recorder, functions: [name], spec });
  await using good = start('good');
  await using slow = start('slow');
  await using dead = start('dead');
  await Promise.all([good, slow, dead].map((replica) => replica.connected()));
  await topic.produce(EVENTS);

  const all = (replica: Replica) => replica.row()?.delivered === EVENTS;
  await eventually('the good one has everything', () => all(good), { within: 30_000 });
  expect([all(slow), all(dead)]).toEqual([false, false]);
  isGoodDone = true;
  expect(dead.row()).toMatchObject({ delivered: 0, dropped: {}, unknown: {} });

  await recorder.up('dead');
  await eventually('the dead one has everything', () => all(dead), { within: 60_000 });
  await eventually('the slow one has everything', () => all(slow), { within: 60_000 });
  for (const replica of [good, slow, dead]) {
    expect(replica.row()).toMatchObject({ claimed: EVENTS, droppedBeforeClaim: {}, dropped: {}, unknown: {} });
  }
  const findings = checkDelivery({ functions, bodies: topic.bodies(EVENTS) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
});
