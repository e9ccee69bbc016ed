import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Memory } from '../../../src/domain/kind.ts';
import { sharedKafka } from '../../services/shared.ts';
import { checkDelivery } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { type Replica, startReplica } from '../../support/kafka-subscription.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';

let brokers: string[];
let admin: Admin;

beforeAll(async () => {
  brokers = await sharedKafka();
  admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
});
afterAll(() => admin.disconnect());

/** As the status of a trigger keeps it. */
function keeping(): Memory {
  const kept = new Map<string, unknown>();
  return {
    recall: (key) => kept.get(key),
    remember: async (key, value) => void kept.set(key, value),
  };
}

const delivered = (...replicas: readonly Replica[]): number =>
  replicas.reduce((sum, replica) => sum + (replica.row()?.delivered ?? 0), 0);

function expectEachOnce(topic: TestTopic, recorder: Recorder, events: number): void {
  const findings = checkDelivery({ functions: ['f'], bodies: topic.bodies(events) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
}

/** As the group of `startReplica` is called. */
const groupOf = (topic: TestTopic) => `default_chaos_f_${topic.name}`;

test('a replica that joins and leaves under load, time and again, leaves nothing in doubt and loses nothing', async () => {
  await using topic = await createTopic(brokers, { partitions: 6 });
  await using recorder = await startRecorder(['f']);
  recorder.behave('f', { type: 'answer', status: 200, afterMs: 5 });
  await using constant = startReplica({ brokers, topic: topic.name, recorder });
  await constant.connected();
  let events = 0;
  for (let round = 0; round < 4; round++) {
    const publishing = topic.produce(300, { from: events });
    events += 300;
    const guest = startReplica({ brokers, topic: topic.name, recorder });
    await guest.connected();
    await publishing;
    // Balances with nothing in flight, or rejects.
    await guest.close();
    expect(guest.row()).toMatchObject({ unknown: {}, dropped: {} });
  }
  await eventually('all is delivered', () => constant.row()?.delivered === events, { within: 60_000 });
  expect(constant.row()).toMatchObject({ read: events, claimed: events, unknown: {}, dropped: {} });
  expectEachOnce(topic, recorder, events);
});

test('two replicas share the partitions, and their counts are those of the partitions', async () => {
  await using topic = await createTopic(brokers, { partitions: 4 });
  await using recorder = await startRecorder(['f']);
  await using one = startReplica({ brokers, topic: topic.name, recorder });
  await one.connected();
  await topic.produce(200);
  await eventually('one has all', () => delivered(one) === 200);
  const two = startReplica({ brokers, topic: topic.name, recorder });
  await two.connected();
  await eventually('they are shared', () => delivered(two) > 0 && delivered(one, two) === 200);
  await topic.produce(200, { from: 200 });
  await eventually('both have all', () => delivered(one, two) === 400);
  await two.close();
  await eventually('one has all again', () => delivered(one) === 400, { within: 30_000 });
  expectEachOnce(topic, recorder, 400);
});

test('partitions that are added while it runs are read from their beginning', async () => {
  await using topic = await createTopic(brokers, { partitions: 1 });
  await using recorder = await startRecorder(['f']);
  const memory = keeping();
  await using replica = startReplica({ brokers, topic: topic.name, recorder, memory });
  await replica.connected();
  await topic.produce(20);
  await admin.createPartitions({ topicPartitions: [{ topic: topic.name, count: 3 }] });
  await using publisher = await topicAgain(topic);
  await publisher.send(20, 200);
  // The consumer asks for the topic's metadata every five minutes; a member that joins makes it ask at once.
  await using other = startReplica({ brokers, topic: topic.name, recorder, memory });
  await other.connected();
  await eventually('all is delivered', () => delivered(replica, other) === 220, { within: 60_000 });
  expectEachOnce(topic, recorder, 220);
});

/** A producer that has seen all partitions. */
async function topicAgain(topic: TestTopic) {
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  return {
    async send(from: number, count: number) {
      const messages = topic.bodies(count, from).map((value, i) => ({ key: `${i}`, value }));
      await producer.send({ topic: topic.name, acks: -1, messages });
    },
    [Symbol.asyncDispose]: () => producer.disconnect(),
  };
}

test('offsets that the broker has forgotten are held, with a sentence, and nothing is read again', async () => {
  await using topic = await createTopic(brokers, { partitions: 2 });
  await using recorder = await startRecorder(['f']);
  const memory = keeping();
  const first = startReplica({ brokers, topic: topic.name, recorder, memory });
  await first.connected();
  await topic.produce(50);
  await eventually('all is delivered', () => delivered(first) === 50);
  await first.close();
  await admin.deleteGroups([groupOf(topic)]);

  await using held = startReplica({ brokers, topic: topic.name, recorder, memory });
  await eventually('it is held', () => held.status.type === 'disconnected' && held.status.reason === 'OffsetsLost');
  expect(held.status.message).toMatch(/forgotten.*; set spec.onOffsetsLost to newest or earliest to go on/);
  await topic.produce(50, { from: 50 });
  await held.close();
  expect(held.row()).toMatchObject({ read: 0, claimed: 0 });
  expect(recorder.records.length).toBe(50);

  const spec = { onOffsetsLost: 'newest' };
  await using goesOn = startReplica({ brokers, topic: topic.name, recorder, memory, spec });
  await goesOn.connected();
  await topic.produce(50, { from: 100 });
  await eventually('it goes on', () => delivered(goesOn) === 50);
  expectEachOnce({ ...topic, bodies: () => [...topic.bodies(50), ...topic.bodies(50, 100)] }, recorder, 100);
});

test('a topic that is deleted and made again: its position is lost, ids do not collide, and a person decides', async () => {
  await using topic = await createTopic(brokers, { partitions: 1 });
  await using recorder = await startRecorder(['f']);
  const memory = keeping();
  const first = startReplica({ brokers, topic: topic.name, recorder, memory });
  await first.connected();
  await topic.produce(20);
  await eventually('all is delivered', () => delivered(first) === 20);

  await admin.deleteTopics({ topics: [topic.name] });
  await eventually('it is gone', async () => !(await admin.listTopics()).includes(topic.name));
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic: topic.name, numPartitions: 1 }] });
  await eventually('it is back', async () => {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic.name] })).topics;
    return found?.partitions.every(({ leader }) => leader >= 0);
  });
  await using publisher = await topicAgain(topic);
  await publisher.send(0, 20);
  await eventually('it is held', () => first.status.type === 'disconnected' && first.status.reason === 'OffsetsLost', {
    within: 60_000,
  });
  await first.close();
  expect(recorder.records.length).toBe(20);

  const spec = { onOffsetsLost: 'earliest' };
  await using next = startReplica({ brokers, topic: topic.name, recorder, memory, spec });
  await eventually('the new ones are delivered', () => delivered(next) === 20, { within: 60_000 });
  expect(new Set(recorder.records.map(({ eventId }) => eventId)).size).toBe(40);
});
