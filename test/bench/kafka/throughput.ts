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

/**
 * Drains a topic from real Kafka into a fast function, with the gateway and with the bare loop, from cold.
 * @param functions more than one: shared fan-out, beside as many bare calls for each event that is read
 */
export async function kafkaThroughput(events: number, rounds: number, functions = 1): Promise<void> {
  const kafka = await startKafka();
  try {
    await using topic = await createTopic(kafka.brokers, { partitions: PARTITIONS, name: 'bench' });
    await topic.produce(events, { key: () => null, size: EVENT_BYTES });
    const results: Result[] = [];
    for (let round = 1; round <= rounds; round++) {
      const work = { brokers: kafka.brokers, topic, events, functions };
      results.push(await bareLoop(work), await gateway(work));
    }
    const base = results.filter(({ name }) => name.startsWith('bare')).sort((a, b) => a.micros - b.micros)[0];
    if (base !== undefined)
      printResults(
        `kafka: ${events} events of ${EVENT_BYTES} bytes, ${PARTITIONS} partitions, ${functions} function(s)`,
        results,
        base,
      );
  } finally {
    await kafka.stop();
  }
}

interface Work {
  readonly brokers: readonly string[];
  readonly topic: TestTopic;
  readonly events: number;
  readonly functions: number;
}

async function bareLoop({ brokers, topic, events, functions }: Work): Promise<Result> {
  const target = await startFunction('fast');
  const args = [
    join(import.meta.dirname, 'bare-loop.ts'),
    brokers.join(','),
    topic.name,
    target.url,
    randomUUID(),
    String(functions),
  ];
  const loop = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await createInterface(loop.stdout)[Symbol.asyncIterator]().next();
  loop.stdin.write('\n');
  const result = await measure('bare loop', loop.pid ?? 0, events, target.received(events * functions));
  loop.stdin.end();
  target.stop();
  return result;
}

async function gateway({ brokers, topic, events, functions }: Work): Promise<Result> {
  const target = await startFunction('fast');
  const running = await startBenchGateway(brokers, target.url, functions);
  const fanout = functions === 1 ? 'isolated' : 'shared';
  await running.trigger({ topic: topic.name, fanout, delivery: { concurrency: 64 } });
  const result = await measure('gateway', running.pid, events, target.received(events * functions));
  await running.stop();
  target.stop();
  return result;
}
