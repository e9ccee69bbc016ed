import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startKafka } from '../../services/kafka.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { type BareCaller, callers } from '../bare-calls.ts';
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
    const results = new Map<BareCaller, Result[]>(callers.map((caller) => [caller, []]));
    for (let round = 1; round <= rounds; round++)
      for (const [caller, of] of results) {
        const work = { brokers: kafka.brokers, topic, events, functions, caller };
        of.push(await bareLoop(work), await gateway(work));
      }
    printResults(
      `kafka: ${events} events of ${EVENT_BYTES} bytes, ${PARTITIONS} partitions, ${functions} function(s)`,
      results,
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
  readonly caller: BareCaller;
}

async function bareLoop({ brokers, topic, events, functions, caller }: Work): Promise<Result> {
  const target = await startFunction('fast');
  const args = [
    join(import.meta.dirname, 'bare-loop.ts'),
    brokers.join(','),
    topic.name,
    target.url,
    randomUUID(),
    String(functions),
    caller,
  ];
  const loop = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await createInterface(loop.stdout)[Symbol.asyncIterator]().next();
  loop.stdin.write('\n');
  const result = await measure('bare loop', loop.pid ?? 0, events, target.received(events * functions));
  loop.stdin.end();
  target.stop();
  return result;
}

async function gateway({ brokers, topic, events, functions, caller }: Work): Promise<Result> {
  const target = await startFunction('fast');
  const running = await startBenchGateway(brokers, target.url, { names: functions, caller });
  const fanout = functions === 1 ? 'isolated' : 'shared';
  await running.trigger({ topic: topic.name, fanout, delivery: { concurrency: 64 } });
  const result = await measure('gateway', running.pid, events, target.received(events * functions));
  await running.stop();
  target.stop();
  return result;
}
