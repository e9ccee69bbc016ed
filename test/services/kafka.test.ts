import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { inTime } from '../support/eventually.ts';
import { createTopic } from '../support/kafka.ts';
import { startKafka } from './kafka.ts';
import { sharedKafka } from './shared.ts';

test('events go through the shared Kafka', async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers, { partitions: 2 });
  await topic.produce(10);
  expect(await readAll(brokers, topic.name, 10)).toEqual(topic.bodies(10).sort());
});

test('three brokers go on without one, and take it back', { timeout: 300_000 }, async () => {
  const kafka = await startKafka({ brokers: 3, lingerMs: 0 });
  try {
    await using topic = await createTopic(kafka.brokers, { partitions: 3 });
    await topic.produce(5);
    await kafka.kill('SIGKILL', 0);
    await topic.produce(5, { from: 5 });
    await kafka.restart(0);
    expect(await readAll(kafka.brokers, topic.name, 10)).toEqual(topic.bodies(10).sort());
  } finally {
    await kafka.stop();
  }
});

async function readAll(brokers: string[], topic: string, count: number): Promise<string[]> {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: `${topic}-reader` });
  const bodies: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (bodies.push(`${message.value}`) === count) resolve();
    },
  });
  await inTime(`${count} events are read`, promise, 90_000).finally(() => consumer.disconnect());
  return bodies.sort();
}
