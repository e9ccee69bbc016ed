import kafkajs, { type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs';
import { groupName, type Source, type SourceContext, type Subscription, TrigateError } from '../../src/sdk.ts';
import type { Remembered } from './adopt.ts';
import { Claims } from './claim.ts';
import { assignerWith, type Group } from './membership.ts';
import { Ownership } from './ownership.ts';
import { BatchReader } from './reader.ts';
import type { KafkaTriggerSpec } from './spec.ts';
import { translated } from './topics.ts';

const HEARTBEATS_PER_SESSION = 10;
const REBALANCE_TIMEOUT_MS = 60_000;
/** What is left of it for joining, when calls under way have been waited for. */
const REBALANCE_MARGIN_MS = 15_000;
/** How long a broker may keep a fetch open; leaving the group waits for it. */
const MAX_WAIT_MS = 1_000;
/** Events of one broker's fetch that are held in memory. */
const MAX_FETCH_BYTES = 10 * 1024 * 1024;
/** Partitions whose batches are handled side by side: enough for their claims to travel together. */
const PARTITIONS_AT_A_TIME = 64;
/** Kept of the closing deadline for the last settle commit and for leaving the group. */
const LEAVE_MARGIN_MS = 1_500;

/** What all subscriptions of a process share. */
export interface Brokers {
  readonly kafka: Kafka;
  /** Names this process in what it stores. */
  readonly nonce: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly clusterId: () => Promise<string>;
  /** What closed sources knew of their partitions: by group, then partition. */
  readonly remembered: Map<string, ReadonlyMap<number, Remembered>>;
}

/** Joins the group and reads until it is closed or has failed. */
export async function openKafkaSource(
  brokers: Brokers,
  subscription: Subscription<KafkaTriggerSpec>,
  context: SourceContext,
): Promise<Source> {
  context.signal.throwIfAborted();
  try {
    const cluster = await brokers.clusterId();
    context.signal.throwIfAborted();
    const source = new KafkaSource(brokers, cluster, subscription, context);
    await source.start();
    return source;
  } catch (error) {
    throw error instanceof kafkajs.KafkaJSError ? translated(error, subscription.spec.topic) : error;
  }
}

/**
 * One member of a group.
 *
 *   joining   kafkajs joins; positions and what is stored with them are taken over. Then: reading.
 *   reading   batches are claimed and passed; what is settled goes with the next claim, or a moment later by itself.
 *   leaving   the group changes: nothing more is claimed, what is in flight may end, and is settled under the old
 *             generation. Then: joining.
 *   closed    the same at the end, and for good. After a claim in doubt nothing more is committed, and the subscription is
 *             opened anew.
 */
class KafkaSource implements Source {
  readonly #consumer: Consumer;
  readonly #claims: Claims;
  readonly #owned: Ownership;
  readonly #reader: BatchReader;
  readonly #group: string;
  readonly #spec: KafkaTriggerSpec;
  readonly #brokers: Brokers;
  readonly #context: SourceContext;
  #closed: Promise<void> | undefined;
  #onJoined: () => void = () => {};

  constructor(brokers: Brokers, cluster: string, subscription: Subscription<KafkaTriggerSpec>, context: SourceContext) {
    const { kafka, sessionTimeout, remembered } = brokers;
    this.#brokers = brokers;
    this.#spec = subscription.spec;
    this.#group = groupName(subscription, this.#spec.topic);
    this.#context = context;
    this.#claims = new Claims(this.#spec.topic, (error) => {
      this.#stopFetching();
      context.fail(error);
    });
    this.#reader = new BatchReader(this.#claims, cluster, subscription, context);
    this.#owned = new Ownership({
      by: brokers.nonce,
      subscription,
      claims: this.#claims,
      context,
      remembered: remembered.get(this.#group),
      bare: (partition, offset) => this.#reader.bare(partition, offset),
    });
    this.#consumer = kafka.consumer({
      groupId: this.#group,
      partitionAssigners: [
        assignerWith({
          leaving: (group) => this.#leaving(group),
          joined: (group) => this.#joined(group),
          outOfRange: (partition) => this.#outOfRange(partition),
          topicGone: () => this.#topicGone(),
        }),
      ],
      sessionTimeout,
      heartbeatInterval: sessionTimeout / HEARTBEATS_PER_SESSION,
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
    const { signal } = this.#context;
    const { promise: joined, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => reject(new Error('the subscription was closed'));
    this.#onJoined = resolve;
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    signal.addEventListener('abort', giveUp);
    joined.catch(() => {});
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [this.#spec.topic], fromBeginning: false });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS_AT_A_TIME,
        eachBatch: (payload) => this.#eachBatch(payload),
      });
      await joined;
    } catch (error) {
      await consumer.disconnect().catch(() => {});
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  close(deadline: number): Promise<void> {
    this.#closed ??= this.#close(deadline);
    return this.#closed;
  }

  async #close(deadline: number): Promise<void> {
    const { clock, log } = this.#context;
    this.#reader.stop();
    this.#stopFetching();
    await this.#owned.rest(deadline - LEAVE_MARGIN_MS);
    // A connection that hangs can hold the settling and `disconnect`: it must not hold us.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), () => {
      log.warn({ group: this.#group }, 'the Kafka group could not be left in time');
      resolve();
    });
    const left = this.#owned.settle().then(() => this.#consumer.disconnect().catch(() => {}));
    await Promise.race([left, late]);
    cancel();
    this.#brokers.remembered.set(this.#group, this.#owned.remember());
    this.#owned.close();
  }

  /** Handlers return at once from now on: without this kafkajs would fetch the same events over and over. */
  #stopFetching(): void {
    try {
      this.#consumer.pause([{ topic: this.#spec.topic }]);
    } catch {
      // A consumer that has crashed fetches nothing, and has no group whose partitions it could pause.
    }
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.STOP, () => this.#claims.left());
    this.#consumer.on(events.DISCONNECT, () => this.#claims.left());
    this.#consumer.on(events.COMMIT_OFFSETS, ({ payload }) => {
      this.#claims.committed(payload.topics, Number(payload.groupGenerationId));
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      this.#claims.left();
      this.#context.fail(payload.error);
    });
  }

  async #leaving(group: Group): Promise<void> {
    const { clock } = this.#context;
    const wait = Math.min(
      this.#spec.delivery.timeout ?? REBALANCE_TIMEOUT_MS,
      REBALANCE_TIMEOUT_MS - REBALANCE_MARGIN_MS,
    );
    await this.#owned.leave(group, clock.monotonic() + wait, this.#brokers.sessionTimeout / HEARTBEATS_PER_SESSION);
  }

  async #joined(group: Group): Promise<void> {
    const held = await this.#owned.join(group);
    const { topic, paused } = this.#spec;
    const [lost] = held;
    if (paused) this.#stopFetching();
    else if (lost !== undefined) this.#consumer.pause([{ topic, partitions: held.map(({ partition }) => partition) }]);
    if (lost !== undefined) {
      this.#context.report({ type: 'disconnected', reason: 'OffsetsLost', message: lost.message });
    } else {
      const count = group.partitions.length;
      const message = `reads ${count} partition${count === 1 ? '' : 's'} of ${topic} in group ${this.#group}`;
      this.#context.report({ type: 'connected', message });
    }
    this.#onJoined();
  }

  #outOfRange(partition: number): void {
    this.#context.fail(new Error(`the position in partition ${partition} of ${this.#spec.topic} is gone`));
  }

  /** Nothing is committed any more: it would be a position in another topic of that name. */
  #topicGone(): void {
    this.#claims.left();
    this.#context.fail(new TrigateError('NOT_FOUND', `there is no topic "${this.#spec.topic}"`));
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const owned = this.#owned.get(payload.batch.partition);
    if (owned === undefined) return;
    try {
      await this.#reader.read(payload, owned);
    } catch (error) {
      // kafkajs rejoins on its own errors, and gives up after five others.
      if (error instanceof kafkajs.KafkaJSError) throw error;
      this.#context.log.debug({ error }, 'a claim was not made');
    }
  }
}
