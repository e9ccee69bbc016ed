import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { expect, test } from 'vitest';
import { sharedKafka } from '../../services/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic } from '../../support/kafka.ts';
import { startReplica } from '../../support/kafka-subscription.ts';
import { startRecorder } from '../../support/recorder.ts';

/** As the Kafka controller of Kubeless has it (sarama): the same sort of group, another way to divide. */
const range: PartitionAssigner = (config) => {
  const name = 'range';
  const assigner = kafkajs.PartitionAssigners.roundRobin(config);
  return { ...assigner, name, protocol: (subscription) => ({ ...assigner.protocol(subscription), name }) };
};

test("Kubeless' controller in the same group is named in Ready, and its offsets are taken over when it has stopped", async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(['f']);
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const kubeless = kafka.consumer({ groupId: `default_chaos_f_${topic.name}`, partitionAssigners: [range] });
  let taken = 0;
  await kubeless.subscribe({ topic: topic.name, fromBeginning: true });
  await kubeless.run({ eachMessage: async () => void taken++ });
  await topic.produce(20);
  await eventually('Kubeless takes them', () => taken === 20, { within: 30_000 });

  await using replica = startReplica({ brokers, topic: topic.name, recorder });
  const status = await eventually('it is refused', () => replica.history.find(({ type }) => type === 'disconnected'), {
    within: 30_000,
  });
  expect(status).toMatchObject({ reason: 'CONFLICT' });
  expect(status.message).toMatch(
    /^group "default_chaos_f_.*" has a member .* Kubeless' Kafka controller does; stop it first$/,
  );

  await kubeless.disconnect();
  await replica.connected();
  await topic.produce(20, { from: 20 });
  await eventually('the rest is delivered', () => replica.row()?.delivered === 20, { within: 30_000 });
  expect(replica.row()).toMatchObject({ read: 20 });
});
