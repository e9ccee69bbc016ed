import { randomBytes } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import type { Logger, Topics, TriggerKind } from '../../src/sdk.ts';
import { connectionConfig, type KafkaConnection } from './connection.ts';
import { EndOffsets } from './ends.ts';
import { unreachable } from './errors.ts';
import { createKafka } from './kafkajs.ts';
import { type Brokers, openKafkaSource } from './source.ts';
import { type KafkaTriggerSpec, kafkaTriggerSpec, kafkaTriggerType } from './spec.ts';
import { kafkaTopics } from './topics.ts';

/** The connections that all Kafka triggers of a process share. */
export interface KafkaKind extends TriggerKind<KafkaTriggerSpec> {
  readonly topics: Topics;
  close(): Promise<void>;
}

/** What is true of the kind wherever its events come from: Kafka, or the embedded log. */
export const kafkaTrigger = {
  name: 'kafka',
  resource: kafkaTriggerType,
  eventNamespace: 'kafkatriggers.kubeless.io',
  eventType: 'dev.trigate.kafka.record',
  spec: kafkaTriggerSpec,
} as const;

const DEFAULT_SESSION_TIMEOUT_MS = 30_000;
const DEFAULT_ASK_ENDS_MS = 30_000;

export function createKafkaKind(connection: KafkaConnection, log: Logger): KafkaKind {
  const kafka = createKafka(
    {
      ...connectionConfig(connection),
      requestTimeout: 30_000,
      // The controller tries again, and shows why; long tries in here would only hide it.
      retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 2_000 },
    },
    log,
  );
  const ends = new EndOffsets(kafka, connection.askEndsEvery ?? DEFAULT_ASK_ENDS_MS);
  const brokers = new SharedBrokers(kafka, ends, connection.sessionTimeout ?? DEFAULT_SESSION_TIMEOUT_MS);
  const topics = kafkaTopics(kafka, () => brokers.admin());
  return {
    ...kafkaTrigger,
    guarantee: {
      promise: 'at most once: the offset is committed, and the commit answered, before the function is called',
      crash:
        'events that were claimed and not yet settled, at most room + concurrency per function: each is counted as ' +
        'unknown(crash), with its offset, by the next owner of the partition',
      order: 'by record key within a partition (order: key), by partition, or none',
    },
    open: (subscription, context) => openKafkaSource(brokers, subscription, context),
    topics,
    close: async () => {
      await topics.close();
      await brokers.close();
    },
  };
}

class SharedBrokers implements Brokers {
  readonly nonce = randomBytes(9).toString('base64url');
  readonly remembered: Brokers['remembered'] = new Map();
  readonly kafka: Kafka;
  readonly ends: EndOffsets;
  readonly sessionTimeout: number;
  #admin: Promise<Admin> | undefined;
  #clusterId: Promise<string> | undefined;

  constructor(kafka: Kafka, ends: EndOffsets, sessionTimeout: number) {
    this.kafka = kafka;
    this.ends = ends;
    this.sessionTimeout = sessionTimeout;
  }

  admin(): Promise<Admin> {
    this.#admin ??= this.#connect();
    return this.#admin;
  }

  clusterId(): Promise<string> {
    this.#clusterId ??= this.admin().then(async (admin) => (await admin.describeCluster()).clusterId);
    this.#clusterId.catch(() => {
      this.#clusterId = undefined;
    });
    return this.#clusterId;
  }

  async close(): Promise<void> {
    await this.ends.close();
    const admin = await this.#admin?.catch(() => undefined);
    await admin?.disconnect();
  }

  async #connect(): Promise<Admin> {
    const admin = this.kafka.admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.#admin = undefined;
      await admin.disconnect().catch(() => {});
      throw unreachable(error);
    }
  }
}

export { type KafkaConnection, kafkaTriggerSpec, kafkaTriggerType };
