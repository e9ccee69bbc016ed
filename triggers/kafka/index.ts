import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { Admin, Kafka, SASLOptions } from 'kafkajs';
import type { Logger, Topics, TriggerKind } from '../../src/sdk.ts';
import { createKafka } from './kafkajs.ts';
import { type Brokers, openKafkaSource } from './source.ts';
import { type KafkaTriggerSpec, kafkaTriggerSpec, kafkaTriggerType } from './spec.ts';
import { kafkaTopics, unreachable } from './topics.ts';

export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SASLOptions;
  /**
   * Milliseconds after which a member that fell silent loses its partitions: also how long a killed process keeps its
   * successor waiting. Default: 30,000.
   */
  readonly sessionTimeout?: number;
}

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

export function createKafkaKind(connection: KafkaConnection, log: Logger): KafkaKind {
  const kafka = createKafka(
    {
      clientId: 'trigate',
      brokers: [...connection.brokers],
      ...(connection.ssl === undefined ? {} : { ssl: connection.ssl }),
      ...(connection.sasl === undefined ? {} : { sasl: connection.sasl }),
      connectionTimeout: 3_000,
      requestTimeout: 30_000,
      // The controller tries again, and shows why; long tries in here would only hide it.
      retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 2_000 },
    },
    log,
  );
  const brokers = new SharedBrokers(kafka, connection.sessionTimeout ?? DEFAULT_SESSION_TIMEOUT_MS);
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
  readonly sessionTimeout: number;
  #admin: Promise<Admin> | undefined;
  #clusterId: Promise<string> | undefined;

  constructor(kafka: Kafka, sessionTimeout: number) {
    this.kafka = kafka;
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
      throw unreachable(error);
    }
  }
}

export { kafkaTriggerSpec, kafkaTriggerType };
