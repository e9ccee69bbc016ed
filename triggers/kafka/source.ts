import kafkajs, { type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs';
import {
  asError,
  byDeadline,
  type Cancel,
  groupName,
  type Progress,
  type Source,
  type SourceContext,
  type SourceStatus,
  type Subscription,
  TrigateError,
} from '../../src/sdk.ts';
import type { Remembered } from './adopt.ts';
import { Claims } from './claim.ts';
import type { EndOffsets } from './ends.ts';
import { inWords } from './errors.ts';
import { assignerWith, type FetchedBatch, fetchedFrom, type Group, type Interruption } from './membership.ts';
import { Ownership } from './ownership.ts';
import { heartbeatInterval, longestPoll } from './polls.ts';
import { KafkaProgress } from './progress.ts';
import { BatchReader } from './reader.ts';
import { type KafkaTriggerSpec, skips } from './spec.ts';
import { UnreadablePartitions } from './unreadable.ts';

const REBALANCE_TIMEOUT_MS = 60_000;
/** What is left of it for joining, when calls under way have been waited for. */
const REBALANCE_MARGIN_MS = 15_000;
/** Of one broker's fetch. */
const MAX_FETCH_BYTES = 10 * 1024 * 1024;
/**
 * Of one partition. More than `message.max.bytes` (1,048,588): a broker returns a larger batch only where it is the first of
 * all, which one behind a busy partition never is.
 */
const MAX_PARTITION_BYTES = 2 * 1024 * 1024;
/** Partitions whose batches are handled side by side: enough for their claims to travel together. */
const PARTITIONS_AT_A_TIME = 64;
/** Kept of the closing deadline for the last settle commit and for leaving the group. */
const LEAVE_MARGIN_MS = 1_500;

/** Groups. Of triggers that are gone nobody asks any more. */
const MOST_REMEMBERED = 10_000;

/** How long a join may take that nobody wants any more: one that is not ended in order leaves a member behind for a while. */
const GIVE_UP_MS = 3_000;

/** What all subscriptions of a process share. */
export interface Brokers {
  readonly kafka: Kafka;
  /** Names this process in what it stores. */
  readonly nonce: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  readonly clusterId: () => Promise<string>;
  readonly ends: EndOffsets;
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
    throw inWords(error, subscription.spec.topic, groupName(subscription, subscription.spec.topic));
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
  readonly #progress: KafkaProgress;
  readonly #group: string;
  readonly #spec: KafkaTriggerSpec;
  readonly #brokers: Brokers;
  readonly #context: SourceContext;
  readonly #unreadable: UnreadablePartitions;
  #connected: SourceStatus = { type: 'connected', message: '' };
  #closed: Promise<void> | undefined;
  #onJoined: () => void = () => {};
  #unlisten: Cancel = () => {};
  #interruption: Interruption | undefined;
  /** What kafkajs is to be told with its next fetch. */
  #failure: Error | undefined;

  constructor(brokers: Brokers, cluster: string, subscription: Subscription<KafkaTriggerSpec>, context: SourceContext) {
    const { kafka, sessionTimeout, remembered } = brokers;
    this.#brokers = brokers;
    this.#spec = subscription.spec;
    this.#group = groupName(subscription, this.#spec.topic);
    this.#context = context;
    const { room, concurrency } = this.#spec.delivery;
    this.#claims = new Claims({
      topic: this.#spec.topic,
      clock: context.clock,
      window: room + concurrency,
      onDoubt: (error) => {
        this.#stopFetching();
        context.fail(error);
      },
    });
    this.#progress = new KafkaProgress({
      topic: this.#spec.topic,
      clock: context.clock,
      paused: this.#spec.paused && !skips(this.#spec),
      rebalance: 2 * REBALANCE_TIMEOUT_MS - REBALANCE_MARGIN_MS,
      owned: () => this.#owned.all(),
    });
    const watched = { ...context, gate: this.#progress.watched(context.gate) };
    this.#reader = new BatchReader(this.#claims, cluster, subscription, watched, {
      claimed: (partition) => this.#progress.claimed(partition),
      reached: (partition, offset) => this.#progress.reached(partition, offset),
      again: (partition, offset) => this.#interruption?.readFrom(partition, offset),
      failed: (error) => this.#claimFailed(error),
    });
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
          joining: (interruption) => {
            this.#interruption = interruption;
          },
          leaving: (group) => this.#leaving(group),
          joined: (group) => this.#joined(group),
          fetched: (batch) => this.#fetched(batch),
          failure: () => {
            const failure = this.#failure;
            this.#failure = undefined;
            return failure;
          },
          outOfRange: (partition) => this.#outOfRange(partition),
          unreadable: (partition, message) => this.#cannotRead(partition, message),
          topicGone: () => this.#topicGone(),
        }),
      ],
      sessionTimeout,
      heartbeatInterval: heartbeatInterval(sessionTimeout),
      maxWaitTimeInMs: longestPoll(sessionTimeout),
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxBytes: MAX_FETCH_BYTES,
      maxBytesPerPartition: MAX_PARTITION_BYTES,
      // After a crash the subscription is opened anew by its controller, which shows the reason.
      retry: { restartOnFailure: async () => false },
    });
    this.#unreadable = new UnreadablePartitions({
      clock: context.clock,
      resume: (partition) => this.#resume(partition),
    });
    this.#listen();
  }

  async start(): Promise<void> {
    const consumer = this.#consumer;
    const { signal } = this.#context;
    const { promise: joined, resolve, reject } = Promise.withResolvers<void>();
    let cancel: Cancel = () => {};
    const giveUp = () => {
      reject(new Error('the subscription was closed'));
      cancel = this.#context.clock.after(GIVE_UP_MS, () => this.#interruption?.cutConnections());
    };
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
      this.#unlisten = this.#brokers.ends.listen(
        {
          topic: this.#spec.topic,
          isToldSince: (time) => this.#progress.isToldSince(time),
          told: (ends) => this.#progress.told(ends),
        },
        this.#context.clock,
      );
    } catch (error) {
      await consumer.disconnect().catch(() => {});
      throw error;
    } finally {
      cancel();
      signal.removeEventListener('abort', giveUp);
    }
  }

  progress(): Progress {
    return this.#progress.progress();
  }

  close(deadline: number): Promise<void> {
    this.#closed ??= this.#close(deadline);
    return this.#closed;
  }

  async #close(deadline: number): Promise<void> {
    const { clock, log } = this.#context;
    this.#unlisten();
    this.#unreadable.close();
    this.#reader.stop();
    this.#stopFetching();
    await this.#owned.rest(deadline - LEAVE_MARGIN_MS);
    // A connection that hangs can hold the settling and `disconnect`: it must not hold us.
    const left = this.#owned.settle().then(() => this.#leave());
    if (!(await byDeadline(clock, deadline, left))) {
      log.warn({ group: this.#group }, 'the Kafka group could not be left in time');
      this.#interruption?.cutConnections();
    }
    this.#remember();
    this.#owned.close();
  }

  /** For the next source of this group. */
  #remember(): void {
    const { remembered } = this.#brokers;
    // Behind all others: those that were closed first are forgotten first.
    remembered.delete(this.#group);
    remembered.set(this.#group, this.#owned.remember());
    const [oldest] = remembered.keys();
    if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }

  /** From the first turn on kafkajs begins no new fetches; those that are under way it would wait for. */
  async #leave(): Promise<void> {
    const left = this.#consumer.disconnect();
    this.#interruption?.endPolls();
    await left.catch(() => {});
  }

  /** Handlers return at once from now on: without this kafkajs would fetch the same events over and over. */
  #stopFetching(): void {
    this.#interruption?.sleepShortly();
    try {
      this.#consumer.pause([{ topic: this.#spec.topic }]);
    } catch {
      // A consumer that has crashed fetches nothing, and has no group whose partitions it could pause.
    }
  }

  #resume(partition: number): void {
    try {
      this.#consumer.resume([{ topic: this.#spec.topic, partitions: [partition] }]);
    } catch {
      // As above.
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
      this.#context.fail(inWords(payload.error, this.#spec.topic, this.#group));
    });
  }

  /** kafkajs rejoins on its own errors. */
  #claimFailed(error: Error): void {
    if (error instanceof kafkajs.KafkaJSError) {
      this.#failure = error;
      this.#interruption?.endPolls();
    } else {
      this.#context.fail(error);
    }
  }

  #fetched(batch: FetchedBatch): number | undefined {
    const { partition, from, emptyFrom } = batch;
    this.#progress.fetched(batch);
    const owned = this.#owned.get(partition);
    if (owned === undefined) return undefined;
    const end = this.#reader.endOf(owned);
    if (from > end) return end;
    if (emptyFrom !== undefined) this.#reader.passOver(owned, from, emptyFrom);
    return undefined;
  }

  async #leaving(group: Group): Promise<void> {
    this.#progress.leaving();
    const { clock } = this.#context;
    const wait = Math.min(
      this.#spec.delivery.timeout ?? REBALANCE_TIMEOUT_MS,
      REBALANCE_TIMEOUT_MS - REBALANCE_MARGIN_MS,
    );
    const left = this.#owned.leave(group, clock.monotonic() + wait, heartbeatInterval(this.#brokers.sessionTimeout));
    this.#reader.release();
    await left;
  }

  async #joined(group: Group): Promise<void> {
    const held = await this.#owned.join(group);
    this.#failure = undefined;
    this.#unreadable.restart();
    this.#progress.joined(held.map(({ partition }) => partition));
    const { topic } = this.#spec;
    const [lost] = held;
    if (this.#spec.paused && !skips(this.#spec)) this.#stopFetching();
    else if (lost !== undefined) this.#consumer.pause([{ topic, partitions: held.map(({ partition }) => partition) }]);
    if (lost !== undefined) {
      this.#context.report({ type: 'disconnected', reason: 'OffsetsLost', message: lost.message });
    } else {
      const count = group.partitions.length;
      const message = `reads ${count} partition${count === 1 ? '' : 's'} of ${topic} in group ${this.#group}`;
      this.#connected = { type: 'connected', message };
      this.#context.report(this.#connected);
    }
    this.#onJoined();
  }

  #cannotRead(partition: number, cause: string): void {
    this.#unreadable.add(partition);
    const message = `${cause}; the other partitions go on; repair its replica, or delete its records up to a good one`;
    this.#context.report({ type: 'disconnected', reason: 'PartitionUnreadable', message });
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
    if (this.#unreadable.healed(payload.batch.partition)) this.#context.report(this.#connected);
    try {
      await this.#reader.read(payload, owned, fetchedFrom(payload.batch));
    } catch (error) {
      // kafkajs rejoins on its own errors, and gives up after five others.
      if (error instanceof kafkajs.KafkaJSError) throw error;
      this.#context.fail(asError(error));
    }
  }
}
