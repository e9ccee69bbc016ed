import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { startKafka } from '../../services/kafka.ts';
import { createTopic } from '../../support/kafka.ts';
import { measure, startFunction } from '../measure.ts';
import { startBenchGateway } from './gateway.ts';

const PARTITIONS = 4;
const KEYS = 1_000;
const CONCURRENCY = 64;

/** A function that takes 5 ms, called 64 at a time, with order kept inside each of 1,000 keys. */
export async function kafkaSlow(events: number): Promise<void> {
  const kafka = await startKafka();
  try {
    await using topic = await createTopic(kafka.brokers, { partitions: PARTITIONS, name: 'slow' });
    await produce(kafka.brokers, topic.name, events);
    const target = await startFunction('slow');
    const gateway = await startBenchGateway(kafka.brokers, target.url);
    await gateway.trigger({ topic: topic.name, delivery: { concurrency: CONCURRENCY, order: 'key' } });
    // The time to join the group is not the function's.
    await target.received(1_000);
    const done = target.received(events);
    const { seconds, micros } = await measure('slow', gateway.pid, events - 1_000, done);
    const [outOfOrder] = await done;
    const perSecond = Math.round((events - 1_000) / seconds);
    console.log(`kafka-slow: ${events} events, ${KEYS} keys, function of 5 ms, concurrency ${CONCURRENCY}`);
    console.log(
      `  ${perSecond} events/s (${Math.round((CONCURRENCY * 1000) / 5)} would be all slots busy), ${micros.toFixed(1)} us/event, ${outOfOrder} out of order`,
    );
    await gateway.stop();
    target.stop();
  } finally {
    await kafka.stop();
  }
}

async function produce(brokers: readonly string[], topic: string, events: number): Promise<void> {
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.ERROR, clientId: randomUUID() });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let sent = 0; sent < events; sent += 2_000) {
    const messages = Array.from({ length: 2_000 }, (_, i) => {
      const key = `k${(sent + i) % KEYS}`;
      return { key, value: `{"n":${sent + i},"key":"${key}","fill":"${'x'.repeat(150)}"}` };
    });
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}
