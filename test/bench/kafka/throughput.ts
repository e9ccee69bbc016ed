import { startKafka } from '../../services/kafka.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { type BareCaller, callers } from '../bare-calls.ts';
import { type BenchFunction, measureCalls, printResults, type Result, startFunction } from '../measure.ts';
import { startBareLoop } from './bare.ts';
import { startBenchGateway } from './gateway.ts';

const PARTITIONS = 4;
const EVENT_BYTES = 200;
/** From here on everything is compiled that is worth it. */
const STEADY_FROM = 300_000;

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
    const whole = new Map<string, Result[]>(callers.map((caller) => [caller, []]));
    const steady = new Map<string, Result[]>(callers.map((caller) => [caller, []]));
    for (let round = 1; round <= rounds; round++)
      for (const caller of callers)
        for (const loop of [bareLoop, gateway]) {
          const measured = await loop({ brokers: kafka.brokers, topic, events, functions, caller });
          whole.get(caller)?.push(measured.whole);
          if (measured.steady !== undefined) steady.get(caller)?.push(measured.steady);
        }
    const title = `kafka: ${events} events of ${EVENT_BYTES} bytes, ${PARTITIONS} partitions, ${functions} function(s)`;
    printResults(title, whole);
    printResults(`${title}, behind the first ${STEADY_FROM}`, steady);
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

interface Measured {
  readonly whole: Result;
  /** Undefined when there are too few. */
  readonly steady: Result | undefined;
}

async function bareLoop(work: Work): Promise<Measured> {
  const target = await startFunction('fast');
  const loop = await startBareLoop({ ...work, url: target.url });
  const result = await measured('bare loop', loop.pid, target, work);
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
  const result = await measured('gateway', running.pid, target, work);
  await running.stop();
  target.stop();
  return result;
}

async function measured(name: string, pid: number, target: BenchFunction, work: Work): Promise<Measured> {
  const { events, functions: perEvent } = work;
  const calls = (first: number) =>
    measureCalls(name, pid, target, { first: first * perEvent, last: events * perEvent, perEvent });
  const [whole, steady] = await Promise.all([calls(1), events > STEADY_FROM ? calls(STEADY_FROM) : undefined]);
  return { whole, steady };
}
