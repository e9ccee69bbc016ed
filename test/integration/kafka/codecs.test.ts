import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createKafka } from '../../../triggers/kafka/kafkajs.ts';
import { kafkaHome } from '../../services/kafka.ts';
import { sharedKafka } from '../../services/shared.ts';
import { createTopic } from '../../support/kafka.ts';
import { silent } from '../../support/topic-log.ts';

let brokers: string[];
beforeAll(async () => {
  brokers = await sharedKafka();
});

/** Apache Kafka's own producer: its framing, not ours. */
async function produceWithJava(topic: string, codec: string, lines: readonly string[]): Promise<void> {
  const args = [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-cp',
    join(await kafkaHome(), '*'),
    'org.apache.kafka.tools.ConsoleProducer',
  ];
  args.push('--bootstrap-server', brokers.join(','), '--topic', topic, `--compression-codec=${codec}`);
  const producer = spawn('java', args, { stdio: ['pipe', 'ignore', 'inherit'] });
  producer.stdin.end(`${lines.join('\n')}\n`);
  const [code] = await once(producer, 'exit');
  expect(code).toBe(0);
}

test.each(['gzip', 'snappy', 'lz4', 'zstd'])('reads what a Java producer has compressed with %s', async (codec) => {
  await using topic = await createTopic(brokers, { partitions: 1, name: codec });
  const sent = Array.from({ length: 500 }, (_, i) => `${i}:${'abc'.repeat(i % 50)}`);
  await produceWithJava(topic.name, codec, sent);
  const consumer = createKafka({ brokers }, silent).consumer({ groupId: topic.name, maxWaitTimeInMs: 100 });
  const received: string[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topics: [topic.name], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      received.push(String(message.value));
      if (received.length === sent.length) resolve();
    },
  });
  await all;
  await consumer.disconnect();
  expect(received).toEqual(sent);
});
