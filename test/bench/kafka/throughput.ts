import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startKafka } from '../../services/kafka.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { measure, printResults, type Result, startFunction } from '../measure.ts';
import { startBenchGateway } from './gateway.ts';

const PARTITIONS = 4;
const EVENT_BYTES = 200;

/** Drains a topic from real Kafka into a fast function, with the gateway and with the bare loop, from cold. */
export async function kafkaThroughput(events: number, rounds: number): Promise<void> {
  const kafka = await startKafka();
  try {
    await using topic = await createTopic(kafka.brokers, { partitions: PARTITIONS, name: 'bench' });
    await topic.produce(events, { key: () => null, size: EVENT_BYTES });
    const results: Result[] = [];
    for (let round = 1; round <= rounds; round++) {
      results.push(await bareLoop(kafka.brokers, topic, events), await gateway(kafka.brokers, topic, events));
    }
    const base = results.filter(({ name }) => name.startsWith('bare')).sort((a, b) => a.micros - b.micros)[0];
    if (base !== undefined)
      printResults(`kafka: ${events} events of ${EVENT_BYTES} bytes, ${PARTITIONS} partitions`, results, base);
  } finally {
    await kafka.stop();
  }
}

async function bareLoop(brokers: readonly string[], topic: TestTopic, events: number): Promise<Result> {
  const target = await startFunction('fast');
  const args = [join(import.meta.dirname, 'bare-loop.ts'), brokers.join(','), topic.name, target.url, randomUUID()];
  const loop = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await createInterface(loop.stdout)[Symbol.asyncIterator]().next();
  loop.stdin.write('\n');
  const result = await measure('bare loop', loop.pid ?? 0, events, target.received(events));
  loop.stdin.end();
  target.stop();
  return result;
}

async function gateway(brokers: readonly string[], topic: TestTopic, events: number): Promise<Result> {
  const target = await startFunction('fast');
  const running = await startBenchGateway(brokers, target.url);
  await running.trigger({ topic: topic.name, delivery: { concurrency: 64 } });
  const result = await measure('gateway', running.pid, events, target.received(events));
  await running.stop();
  target.stop();
  return result;
}
