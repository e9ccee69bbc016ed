import kafkajs, { type Admin, type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs';
import { groupName, type Source, type SourceContext, type Subscription } from '../../src/sdk.ts';
import { Claims } from './claim.ts';
import { PartitionReader } from './partition.ts';
import { ensureStartPosition, positions } from './positions.ts';
import type { KafkaTriggerSpec } from './spec.ts';

const SESSION_TIMEOUT_MS = 30_000;
const HEARTBEAT_INTERVAL_MS = 3_000;
const REBALANCE_TIMEOUT_MS = 60_000;
/** How long a broker may keep a fetch open; leaving the group waits for it. */
const MAX_WAIT_MS = 500;
/** Events of one broker's fetch that are held in memory. */
const MAX_FETCH_BYTES = 10 * 1024 * 1024;
/** Partitions whose batches are handled side by side: enough for their claims to travel together. */
const PARTITIONS_AT_A_TIME = 64;

export interface Brokers {
  readonly kafka: Kafka;
  /** Connected on first use, shared by all subscriptions. */
  readonly admin: () => Promise<Admin>;
  readonly clusterId: () => Promise<string>;
}

/** Joins the group and reads until it is closed or has failed. */
export async function openKafkaSource(
  brokers: Brokers,
  subscription: Subscription<KafkaTriggerSpec>,
  context: SourceContext,
): Promise<Source> {
  const { topic, startFrom } = subscription.spec;
  const group = groupName(subscription, topic);
  const admin = await brokers.admin();
  const cluster = await brokers.clusterId();
  await ensureStartPosition(brokers.kafka, admin, group, topic, startFrom);
  const source = new KafkaSource(brokers.kafka, admin, cluster, group, subscription, context);
  await source.start();
  return source;
}

class KafkaSource implements Source {
  readonly #consumer: Consumer;
  readonly #claims: Claims;
  readonly #reader: PartitionReader;
  readonly #group: string;
  readonly #topic: string;
  readonly #isPaused: boolean;
  readonly #admin: Admin;
  readonly #context: SourceContext;
  #closed: Promise<void> | undefined;
  /** Read when the group was joined, before anything is claimed under that membership. */
  #positions: Promise<ReadonlyMap<number, bigint>> = Promise.resolve(new Map());

  constructor(
    kafka: Kafka,
    admin: Admin,
    cluster: string,
    group: string,
    subscription: Subscription<KafkaTriggerSpec>,
    context: SourceContext,
  ) {
    this.#group = group;
    this.#topic = subscription.spec.topic;
    this.#isPaused = subscription.spec.paused;
    this.#admin = admin;
    this.#context = context;
    this.#claims = new Claims(this.#topic, (error) => {
      this.#stopFetching();
      context.fail(error);
    });
    this.#reader = new PartitionReader(this.#claims, cluster, subscription.spec, context);
    this.#consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      maxBytes: MAX_FETCH_BYTES,
      // After a crash the subscription is opened anew by its controller, which shows the reason.
      retry: { restartOnFailure: async () => false },
    });
    this.#listen();
  }

  async start(): Promise<void> {
    const consumer = this.#consumer;
    const joined = new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve());
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      this.#context.signal.addEventListener('abort', () => reject(new Error('the subscription was closed')));
    });
    joined.catch(() => {});
    try {
      await consumer.connect();
      // Never `fromBeginning`: where an offset was lost, kafkajs would replay the whole topic.
      await consumer.subscribe({ topics: [this.#topic], fromBeginning: false });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS_AT_A_TIME,
        eachBatch: (payload) => this.#eachBatch(payload),
      });
      if (this.#isPaused) consumer.pause([{ topic: this.#topic }]);
      await joined;
    } catch (error) {
      await consumer.disconnect().catch(() => {});
      throw error;
    }
  }

  close(deadline: number): Promise<void> {
    this.#closed ??= this.#close(deadline);
    return this.#closed;
  }

  async #close(deadline: number): Promise<void> {
    const { clock, log } = this.#context;
    this.#stopFetching();
    await this.#reader.settled(deadline);
    // `disconnect` waits for handlers, and a connection that hangs can hold it: it must not hold us.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => {
      log.warn({ group: this.#group }, 'the Kafka group could not be left in time');
      resolve();
    });
    await Promise.race([this.#consumer.disconnect().catch(() => {}), late]);
    cancel();
  }

  /** Handlers return at once from now on: without this kafkajs would fetch the same events over and over. */
  #stopFetching(): void {
    this.#consumer.pause([{ topic: this.#topic }]);
  }

  #listen(): void {
    const { events } = this.#consumer;
    const { report, fail } = this.#context;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[this.#topic] ?? [];
      this.#claims.joined(partitions);
      this.#positions = positions(this.#admin, this.#group, this.#topic);
      this.#positions.catch(() => {});
      report({
        type: 'connected',
        message: `reads ${partitions.length} partitions of ${this.#topic} in group ${this.#group}`,
      });
    });
    this.#consumer.on(events.REBALANCING, () => this.#claims.left());
    this.#consumer.on(events.STOP, () => this.#claims.left());
    this.#consumer.on(events.DISCONNECT, () => this.#claims.left());
    this.#consumer.on(events.COMMIT_OFFSETS, ({ payload }) => {
      this.#claims.committed(payload.topics, Number(payload.groupGenerationId));
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      this.#claims.left();
      fail(payload.error);
    });
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const epoch = this.#claims.epoch;
    const known = await this.#positions;
    try {
      await this.#reader.read(payload, epoch, known.get(payload.batch.partition));
    } catch (error) {
      // kafkajs rejoins on its own errors, and gives up after five others.
      if (error instanceof kafkajs.KafkaJSError) throw error;
      this.#context.log.debug({ error }, 'a claim was not made');
    }
  }
}
