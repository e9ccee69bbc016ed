import { randomUUID } from 'node:crypto';
import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs';
import { patchIdleTimer } from '../../triggers/kafka/kafkajs.ts';
import { eventually } from './eventually.ts';
import { numberedBodies } from './numbered.ts';

export interface ProduceOptions {
  /** Number of the first event. Default: 0. */
  readonly from?: number;
  /** Default: 100 different keys, in turn. `null`: no key. */
  readonly key?: ((n: number) => string | null) | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Total length of each body in bytes. Default: as long as it is. */
  readonly size?: number;
  /** Default: none. */
  readonly compression?: 'gzip' | undefined;
  /**
   * The events of each key in a request of their own, for when leaders move meanwhile: of several partitions kafkajs forgets
   * the one that has moved to a broker which had stored the others already, and says that all is stored.
   */
  readonly keyByKey?: boolean;
}

/** A topic of one test. */
export interface TestTopic extends AsyncDisposable {
  readonly name: string;
  /** Appends events with the bodies `bodies(count, from)`; resolves when all are stored on all in-sync replicas. */
  produce(count: number, options?: ProduceOptions): Promise<void>;
  bodies(count: number, from?: number): string[];
  /** Deletes the topic and disconnects. Idempotent. */
  delete(): Promise<void>;
}

/** Outlasts a broker's restart (about 60 s), and notices its end soon. */
const PATIENT = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 };

/** Creates a topic with a new name. `await using` deletes it. */
export async function createTopic(
  brokers: readonly string[],
  options: { readonly partitions?: number; readonly name?: string } = {},
): Promise<TestTopic> {
  const name = `${options.name ?? 'test'}-${randomUUID().slice(0, 8)}`;
  patchIdleTimer();
  const client = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: PATIENT });
  const admin = client.admin();
  // Idempotent: a retry of the producer must not look like an event that came twice.
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, metadataMaxAge: 1_000 });
  await admin.connect();
  const numPartitions = options.partitions ?? 4;
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic: name, numPartitions }] });
  // kafkajs would give up where a broker has not heard of the topic yet.
  await eventually(`${name} has leaders`, async () => {
    const [topic] = (await admin.fetchTopicMetadata({ topics: [name] })).topics;
    return topic?.partitions.length === numPartitions && topic.partitions.every(({ leader }) => leader >= 0);
  });
  await producer.connect();
  let deletion: Promise<void> | undefined;

  const remove = async () => {
    await producer.disconnect();
    await admin.deleteTopics({ topics: [name] }).finally(() => admin.disconnect());
  };
  const deleteOnce = () => (deletion ??= remove());

  return {
    name,
    produce: (count, produceOptions = {}) => produce(producer, name, count, produceOptions),
    bodies: numberedBodies,
    delete: deleteOnce,
    [Symbol.asyncDispose]: deleteOnce,
  };
}

const CHUNK = 2_000;

async function produce(producer: Producer, topic: string, count: number, options: ProduceOptions): Promise<void> {
  const { from = 0, key = (n: number) => `key-${n % 100}`, headers } = options;
  const messages = numberedBodies(count, from, options.size).map((value, i) => ({
    key: key(from + i),
    value,
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  }));
  const compression = options.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
  const groups = options.keyByKey === true ? Map.groupBy(messages, (message) => message.key).values() : [messages];
  for (const group of groups)
    for (let start = 0; start < group.length; start += CHUNK)
      await producer.send({ topic, acks: -1, compression, messages: group.slice(start, start + CHUNK) });
}
