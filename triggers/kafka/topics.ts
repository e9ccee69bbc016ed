import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { type Message, type Published, type Topics, TrigateError } from '../../src/sdk.ts';
import { translated, unreachable } from './errors.ts';

const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

/** Topics of the Kafka cluster, through the client: no shell in a broker's pod. */
export function kafkaTopics(kafka: Kafka, admin: () => Promise<Admin>): Topics {
  let producer: Promise<Producer> | undefined;
  const retired = new Set<Producer>();
  const connected = () => {
    producer ??= connectProducer(kafka).catch((error) => {
      producer = undefined;
      throw unreachable(error);
    });
    return producer;
  };
  /** kafkajs asks for every topic that a producer has known, and fails when one of them is gone. Nothing was stored then. */
  const renew = async (old: Producer) => {
    if ((await producer) === old) producer = undefined;
    retired.add(old);
    return connected();
  };
  return {
    name: 'kafka',
    async publish(topic, message) {
      checkName(topic);
      const connection = await connected();
      try {
        return await send(connection, topic, message);
      } catch (error) {
        if (!(error instanceof TrigateError && error.code === 'NOT_FOUND')) throw error;
        return send(await renew(connection), topic, message);
      }
    },
    async create(topic, { partitions }) {
      checkName(topic);
      const connection = await admin();
      const created = await connection.createTopics({
        topics: [{ topic, numPartitions: partitions }],
        waitForLeaders: true,
      });
      if (!created) throw new TrigateError('ALREADY_EXISTS', `topic "${topic}" exists already`);
      return { partitions };
    },
    async delete(topic) {
      checkName(topic);
      const connection = await admin();
      await connection.deleteTopics({ topics: [topic] }).catch((error) => {
        throw translated(error, topic);
      });
    },
    async list() {
      const connection = await admin();
      const topics = await connection.listTopics();
      return topics.filter((topic) => !topic.startsWith('__')).sort();
    },
    async close() {
      const last = await producer?.catch(() => undefined);
      await Promise.all([...retired, ...(last === undefined ? [] : [last])].map((one) => one.disconnect()));
    },
  };
}

async function connectProducer(kafka: Kafka): Promise<Producer> {
  // Idempotent: a send that kafkajs tries again is stored once.
  const producer = kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  return producer;
}

async function send(producer: Producer, topic: string, message: Message): Promise<Published> {
  const { data, key, headers } = message;
  const record = { key: key ?? null, value: Buffer.from(data.buffer, data.byteOffset, data.byteLength), headers };
  const [sent] = await producer.send({ topic, messages: [record] }).catch((error) => {
    throw translated(error, topic);
  });
  if (sent === undefined)
    throw new TrigateError('INTERNAL', `Kafka did not say where an event of "${topic}" was stored`);
  const { partition, baseOffset } = sent;
  return { topic, partition, ...(baseOffset === undefined ? {} : { offset: baseOffset }) };
}

function checkName(topic: string): void {
  if (TOPIC.test(topic) && topic !== '.' && topic !== '..') return;
  throw new TrigateError(
    'INVALID_ARGUMENT',
    `topic ${JSON.stringify(topic)}: allowed are 1 to 249 letters, digits, ".", "_" and "-"`,
  );
}
