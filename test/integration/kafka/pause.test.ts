import { Kafka, logLevel } from 'kafkajs';
import { beforeAll, expect, test } from 'vitest';
import type { Memory } from '../../../src/domain/kind.ts';
import { sharedKafka } from '../../services/shared.ts';
import { checkDelivery } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { type Replica, startReplica } from '../../support/kafka-subscription.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

const replicaOf = (topic: TestTopic, recorder: Recorder, spec: object = {}): Replica =>
  startReplica({ brokers, topic: topic.name, recorder, spec });

/** Takes the first events, so that there is a position. */
async function begin(topic: TestTopic, recorder: Recorder, events: number): Promise<void> {
  const replica = replicaOf(topic, recorder);
  await replica.connected();
  await topic.produce(events);
  await eventually('the first are delivered', () => replica.row()?.delivered === events, { within: 30_000 });
  await replica.close();
}

async function membersOf(topic: TestTopic): Promise<number> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([`default_chaos_f_${topic.name}`]);
  await admin.disconnect();
  return groups[0]?.members.length ?? 0;
}

test('hold: nothing is read, it stays a member, and goes on where it stopped', async () => {
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(['f']);
  await begin(topic, recorder, 20);
  await using paused = replicaOf(topic, recorder, { paused: true });
  await paused.connected();
  await topic.produce(20, { from: 20 });
  expect(await membersOf(topic)).toBe(1);
  await paused.close();
  expect(paused.row()).toMatchObject({ read: 20, delivered: 20 });
  await using resumed = replicaOf(topic, recorder);
  await eventually('what came meanwhile is delivered', () => resumed.row()?.delivered === 40, { within: 30_000 });
  const findings = checkDelivery({ functions: ['f'], bodies: topic.bodies(40) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
});

test('skip: what passes is counted as paused_skip, also while the function is away, and is never delivered', async () => {
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(['f']);
  await begin(topic, recorder, 20);
  await recorder.down('f');
  await using paused = replicaOf(topic, recorder, { paused: true, onPause: 'skip' });
  await paused.connected();
  await topic.produce(1_000, { from: 20 });
  await eventually('all is counted', () => paused.row()?.read === 1_020, { within: 30_000 });
  expect(paused.row()).toMatchObject({ claimed: 20, delivered: 20, droppedBeforeClaim: { paused_skip: 1_000 } });
  expect(paused.dropped).toHaveLength(1_000);
  expect(await membersOf(topic)).toBe(1);
  await paused.close();
  await recorder.up('f');
  await using resumed = replicaOf(topic, recorder);
  await resumed.connected();
  await topic.produce(20, { from: 1_020 });
  await eventually('what comes now is delivered', () => resumed.row()?.delivered === 40, { within: 30_000 });
  expect(resumed.row()).toMatchObject({ read: 1_040, droppedBeforeClaim: { paused_skip: 1_000 } });
  const bodies = [...topic.bodies(20), ...topic.bodies(20, 1_020)];
  const findings = checkDelivery({ functions: ['f'], bodies }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
});

test('a function that was away resumes, or with onRejoin: newest counts what passed as paused_skip', async () => {
  const kept = new Map<string, unknown>();
  const memory: Memory = {
    recall: (key) => kept.get(key),
    remember: async (key, value) => void kept.set(key, value),
  };
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(['f']);
  const joins = (onRejoin: string) =>
    startReplica({ brokers, topic: topic.name, recorder, memory, isJoining: true, spec: { onRejoin } });
  const first = joins('newest');
  await first.connected();
  await topic.produce(20);
  await eventually('the first are delivered', () => first.row()?.delivered === 20, { within: 30_000 });
  await first.close();

  await topic.produce(30, { from: 20 });
  const back = joins('newest');
  await back.connected();
  expect(back.row()).toMatchObject({ read: 50, delivered: 20, droppedBeforeClaim: { paused_skip: 30 } });
  await topic.produce(20, { from: 50 });
  await eventually('what comes now is delivered', () => back.row()?.delivered === 40, { within: 30_000 });
  await back.close();

  await topic.produce(20, { from: 70 });
  await using resumed = joins('resume');
  await eventually('nothing is passed over', () => resumed.row()?.delivered === 60, { within: 30_000 });
  const bodies = [...topic.bodies(20), ...topic.bodies(40, 50)];
  const findings = checkDelivery({ functions: ['f'], bodies }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
});
