import { startKafka } from '../../services/kafka.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { type BareCaller, callers } from '../bare-calls.ts';
import { type Measured, measureEvents, printMeasured, startFunction } from '../measure.ts';
import { startBareLoop } from './bare.ts';
import { startBenchGateway } from './gateway.ts';

const PARTITIONS = 4;
const EVENT_BYTES = 200;

/**
 * Drains a topic from real Kafka into a fast function, with the gateway and with the bare loop: from the first event on,
 * and, of more than 300,000, those behind them once more by themselves.
 * @param functions more than one: shared fan-out, beside as many bare calls for each event that is read
 */
export async function kafkaThroughput(events: number, rounds: number, functions = 1): Promise<void> {
  const kafka = await startKafka();
  try {
    await using topic = await createTopic(kafka.brokers, { partitions: PARTITIONS, name: 'bench' });
    await topic.produce(events, { key: () => null, size: EVENT_BYTES });
    const results = new Map<BareCaller, Measured[]>(callers.map((caller) => [caller, []]));
    for (let round = 1; round <= rounds; round++)
      for (const [caller, of] of results) {
        const work = { brokers: kafka.brokers, topic, events, functions, caller };
        of.push(await bareLoop(work), await gateway(work));
      }
    printMeasured(
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

async function bareLoop(work: Work): Promise<Measured> {
  const target = await startFunction('fast');
  const loop = await startBareLoop({ ...work, url: target.url });
  const result = await measureEvents('bare loop', loop.pid, target, work.events, work.functions);
  loop.stop();
  target.stop();
  return result;
}

async function gateway(work: Work): Promise<Measured> {
  const { brokers, topic, functions, caller } = work;
  const target = await startFunction('fast');
  const running = await startBenchGateway(brokers, target.url, { names: functions, caller });
  const fanout = functions === 1 ? 'isolated' : 'shared';
  await running.trigger({ topic: topic.name, fanout, delivery: { concurrency: 64 } });
  const result = await measureEvents('gateway', running.pid, target, work.events, functions);
  await running.stop();
  target.stop();
  return result;
}
