import kafkajs from 'kafkajs';
import { startKafka } from '../../services/kafka.ts';
import { createTopic } from '../../support/kafka.ts';
import { startFunction } from '../measure.ts';
import { startBenchGateway } from './gateway.ts';

const PARTITIONS = 4;
const SECONDS = 10;
const WARM_UP_SECONDS = 3;
const TICK_MS = 5;

/** Publishes at fixed rates, and prints how long an event takes from `send` to the function. */
export async function kafkaLatency(rates: readonly number[]): Promise<void> {
  console.log(`kafka-latency: from publish to receipt, ${PARTITIONS} partitions, ${SECONDS} s each`);
  console.log('  broker linger   events/s    p50 ms    p99 ms    max ms');
  for (const lingerMs of [5, 0]) {
    const kafka = await startKafka({ lingerMs });
    try {
      for (const rate of rates) {
        const [p50 = '', p99 = '', max = ''] = await measureRate(kafka.brokers, rate);
        const columns = [
          `${lingerMs} ms`.padStart(15),
          String(rate).padStart(10),
          p50.padStart(9),
          p99.padStart(9),
          max.padStart(9),
        ];
        console.log(columns.join(' '));
      }
    } finally {
      await kafka.stop();
    }
  }
}

async function measureRate(brokers: readonly string[], rate: number): Promise<readonly string[]> {
  await using topic = await createTopic(brokers, { partitions: PARTITIONS, name: 'latency' });
  const warmUp = await startFunction('latency');
  const gateway = await startBenchGateway(brokers, warmUp.url);
  await gateway.trigger({ topic: topic.name });
  await gateway.connected();
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.ERROR });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await publish(producer, topic.name, rate, WARM_UP_SECONDS, false);
  const sent = await publish(producer, topic.name, rate, SECONDS, true);
  const result = await warmUp.received(sent);
  await producer.disconnect();
  await gateway.stop();
  warmUp.stop();
  return result;
}

/** Events of the warm-up carry no time, and are not counted. */
async function publish(
  producer: kafkajs.Producer,
  topic: string,
  rate: number,
  seconds: number,
  isTimed: boolean,
): Promise<number> {
  const pending: Promise<unknown>[] = [];
  const start = performance.now();
  let sent = 0;
  while (sent < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
    const messages = Array.from({ length: due - sent }, (_, i) => ({
      key: `k${(sent + i) % 1000}`,
      value: body(isTimed),
    }));
    if (messages.length > 0) pending.push(producer.send({ topic, messages }));
    sent = due;
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(pending);
  return sent;
}

const body = (isTimed: boolean): string =>
  `{"at":${isTimed ? `"${process.hrtime.bigint()}"` : 'null'},"fill":"${'x'.repeat(150)}"}`;
