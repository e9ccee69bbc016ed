import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import type { Broker, ConformanceTopic, Harness } from '../../test/conformance/harness.ts';
import { sharedKafka } from '../../test/services/shared.ts';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/port.ts';
import { silent } from '../../test/support/topic-log.ts';
import { createKafkaKind } from './index.ts';

export const kafkaHarness: Harness = {
  name: 'kafka',
  durable: true,
  skips: {},
  start: startBroker,
};

async function startBroker(): Promise<Broker> {
  const brokers = await sharedKafka();
  const client = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const nowhere = await freePort();

  async function createTopic(): Promise<ConformanceTopic> {
    const topic = `conformance-${randomUUID().slice(0, 8)}`;
    // One for each topic: kafkajs asks for every topic that a producer ever knew, and fails when one is gone.
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 4 }] });
    // kafkajs would give up where a broker has not heard of the topic yet.
    await eventually(`${topic} has leaders`, async () => {
      const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
      return found?.partitions.length === 4 && found.partitions.every(({ leader }) => leader >= 0);
    });
    return {
      pattern: topic,
      async publish(events) {
        const messages = events.map(({ key = 'key', data, contentType }) => ({
          key,
          headers: contentType === undefined ? {} : { 'content-type': contentType },
          value: typeof data === 'string' || data === null ? data : Buffer.from(data),
        }));
        await producer.send({ topic, acks: -1, messages });
      },
      async delete() {
        await producer.disconnect();
        await admin.deleteTopics({ topics: [topic] });
      },
    };
  }

  const connectTo = (addresses: readonly string[]) => {
    const kind = createKafkaKind({ brokers: addresses }, silent);
    return { kind, close: () => kind.close() };
  };
  return {
    createTopic,
    connect: () => connectTo(brokers),
    connectNowhere: () => connectTo([`127.0.0.1:${nowhere}`]),
    stop: () => admin.disconnect(),
  };
}
