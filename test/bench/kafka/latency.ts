import { startKafka } from '../../services/kafka.ts';
import { createTopic } from '../../support/kafka.ts';
import { startFunction } from '../measure.ts';
import { startBareLoop } from './bare.ts';
import { type BenchGateway, startBenchGateway } from './gateway.ts';
import { timedPublisher } from './publish.ts';

const PARTITIONS = 4;
const SECONDS = 10;
/** Broker, publisher, function and loop share the machine, and each compiles its code first. */
const WARM_UP_SECONDS = 15;

type Loop = 'coalesced loop' | 'gateway';

/**
 * Publishes at fixed rates, and prints how long an event takes from `send` to the function: through the gateway, and through
 * a bare loop that does the least there is to do with one commit on its way at a time, which shows what broker, commit and
 * machine take by themselves.
 */
export async function kafkaLatency(rates: readonly number[]): Promise<void> {
  console.log(`kafka-latency: from publish to receipt, ${PARTITIONS} partitions, ${SECONDS} s each`);
  console.log('  broker linger   events/s  loop             p50 ms    p99 ms    max ms');
  for (const lingerMs of [5, 0]) {
    const kafka = await startKafka({ lingerMs });
    try {
      for (const rate of rates)
        for (const loop of ['coalesced loop', 'gateway'] as const) {
          const [p50 = '', p99 = '', max = ''] = await measureRate(kafka.brokers, rate, loop);
          const columns = [
            `${lingerMs} ms`.padStart(15),
            String(rate).padStart(10),
            ` ${loop.padEnd(14)}`,
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

async function measureRate(brokers: readonly string[], rate: number, loop: Loop): Promise<readonly string[]> {
  await using topic = await createTopic(brokers, { partitions: PARTITIONS, name: 'latency' });
  const target = await startFunction('latency');
  const running =
    loop === 'gateway'
      ? await startGateway(brokers, topic.name, target.url)
      : await startBareLoop({ brokers, topic, url: target.url, functions: 1, caller: 'http1' }, 'coalesced-loop');
  const publisher = await timedPublisher(brokers, topic.name);
  await publisher.publish(rate, WARM_UP_SECONDS, 'warm-up');
  const sent = await publisher.publish(rate, SECONDS);
  const result = await target.received(sent);
  await publisher.close();
  await running.stop();
  target.stop();
  return result;
}

async function startGateway(brokers: readonly string[], topic: string, url: string): Promise<BenchGateway> {
  const gateway = await startBenchGateway(brokers, url);
  await gateway.trigger({ topic });
  await gateway.connected();
  return gateway;
}
