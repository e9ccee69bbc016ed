import { type Kafka, startKafka } from '../../services/kafka.ts';
import { startGateway } from '../../support/gateway.ts';
import { createTopic } from '../../support/kafka.ts';
import { functionAt, triggerFor } from '../../support/manifests.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { startFunction } from '../measure.ts';
import { timedPublisher } from './publish.ts';

const PARTITIONS = 4;
const SECONDS = 10;
const WARM_UP_SECONDS = 3;
const SLOW_MS = 2_000;

/** Milliseconds from publish to receipt. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** One topic for a good function, one that takes 2 s, and one that is dead: what do the others cost the good one? */
export async function kafkaNeighbours(rate: number, rounds: number): Promise<void> {
  const kafka = await startKafka();
  await using others = await startRecorder(['slow', 'dead']);
  others.behave('slow', { type: 'answer', status: 200, afterMs: SLOW_MS });
  await others.down('dead');
  console.log(`kafka-neighbours: ${rate} events/s over ${PARTITIONS} partitions, ${SECONDS} s each, fanout: isolated`);
  try {
    const alone: Latency[] = [];
    const beside: Latency[] = [];
    for (let round = 1; round <= rounds; round++) {
      alone.push(show('alone', await measure(kafka, rate)));
      beside.push(show('beside a dead and a slow one', await measure(kafka, rate, others)));
    }
    const ratio = median(beside) / median(alone);
    console.log(
      `  p99 of the good one, medians: ${median(alone)} ms alone, ${median(beside)} ms beside: x ${ratio.toFixed(2)}`,
    );
  } finally {
    await kafka.stop();
  }
}

async function measure(kafka: Kafka, rate: number, others?: Recorder): Promise<Latency> {
  await using topic = await createTopic(kafka.brokers, { partitions: PARTITIONS, name: 'neighbours' });
  const good = await startFunction('latency');
  const labels = { app: 'bench' };
  await using gateway = await startGateway({
    env: { KAFKA_BROKERS: kafka.brokers.join() },
    manifests: [
      functionAt('good', good.url, labels),
      ...(others === undefined ? [] : ['slow', 'dead'].map((name) => functionAt(name, others.url(name), labels))),
      triggerFor('kafka', 'bench', topic.name, labels),
    ],
  });
  const publisher = await timedPublisher(kafka.brokers, topic.name);
  await publisher.publish(rate, WARM_UP_SECONDS, 'warm-up');
  const sent = await publisher.publish(rate, SECONDS);
  const [p50, p99] = await good.received(sent);
  await publisher.close();
  await gateway.stop();
  good.stop();
  return { p50: Number(p50), p99: Number(p99) };
}

function show(what: string, latency: Latency): Latency {
  console.log(`  ${what.padEnd(30)} p50 ${latency.p50} ms, p99 ${latency.p99} ms`);
  return latency;
}

const median = (all: readonly Latency[]): number =>
  all.map(({ p99 }) => p99).sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
