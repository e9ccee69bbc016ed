import { randomUUID } from 'node:crypto';
import type { Broker, ConformanceTopic, Harness } from '../../test/conformance/harness.ts';
import { tempDir } from '../../test/support/temp.ts';
import { openLogIn } from '../../test/support/topic-log.ts';
import { kafkaTrigger } from '../kafka/index.ts';
import { logKind } from './index.ts';

export const logHarness: Harness = {
  name: 'log',
  durable: true,
  skips: {
    'a broker that cannot be reached is said in a sentence': 'the log is a file of the same process',
    'two sources of one group share the events': 'a group of the log has one owner at a time; a second one is refused',
  },
  start: startBroker,
};

async function startBroker(): Promise<Broker> {
  const folder = await tempDir('conformance');
  const log = openLogIn(folder.path);

  async function createTopic(): Promise<ConformanceTopic> {
    const topic = `conformance-${randomUUID().slice(0, 8)}`;
    await log.create(topic, { partitions: 1 });
    return {
      pattern: topic,
      async publish(events) {
        const published = events.map(({ key = 'key', data, contentType }) => {
          const headers = contentType === undefined ? {} : { 'content-type': contentType };
          return log.publish(topic, { key, data: bytes(data), headers });
        });
        await Promise.all(published);
      },
      delete: () => log.delete(topic),
    };
  }

  return {
    createTopic,
    connect: () => ({ kind: logKind(kafkaTrigger, log, 'key'), close: async () => {} }),
    connectNowhere() {
      throw new Error('the log is a file of the same process');
    },
    async stop() {
      await log.close();
      await folder.remove();
    },
  };
}

const bytes = (data: Uint8Array | string | null): Uint8Array =>
  typeof data === 'string' ? new TextEncoder().encode(data) : (data ?? new Uint8Array());
