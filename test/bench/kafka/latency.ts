import { startKafka } from '../../services/kafka.ts';
import { createTopic } from '../../support/kafka.ts';
import { startFunction } from '../measure.ts';
import { startBenchGateway } from './gateway.ts';
import { timedPublisher } from './publish.ts';

const PARTITIONS = 4;
const SECONDS = 10;
const WARM_UP_SECONDS = 3;

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
  const publisher = await timedPublisher(brokers, topic.name);
  await publisher.publish(rate, WARM_UP_SECONDS, 'warm-up');
  const sent = await publisher.publish(rate, SECONDS);
  const result = await warmUp.received(sent);
  await publisher.close();
  await gateway.stop();
  warmUp.stop();
  return result;
}
