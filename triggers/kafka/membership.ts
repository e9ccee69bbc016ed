import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type OffsetsByTopicPartition, type PartitionAssigner } from 'kafkajs';
import { type ConnectionPool, canJoin } from './committing.ts';
import { UnreadablePartition } from './decoding.ts';
import { cutConnections, endPolls, type PollingGroup, poll, sleepShortly, wasCut } from './polls.ts';

/*
 * kafkajs joins its group in the middle of things: when a heartbeat says so, and inside one broker's fetch while handlers
 * of other brokers run (tulios/kafkajs#1046). It tells of it in events that nobody can wait for. At most once needs two
 * moments that can be waited for:
 *
 *   leaving   before the group is joined anew, while commits of the old generation are still taken: what is in flight may
 *             end and be settled.
 *   joined    after the join and before anything is fetched: positions and what is stored with them are read, and first
 *             positions are stored.
 *
 * Both are put around `ConsumerGroup.joinAndSync`. A consumer's own listener travels on its assigner, the only thing of
 * ours that kafkajs hands through to that class.
 */

export interface StoredPosition {
  readonly partition: number;
  /** -1: none. */
  readonly offset: number;
  readonly metadata: string | null;
}

/** The group as this member sees it. Methods act under the generation that kafkajs holds in the turn of the call. */
export interface Group {
  readonly generation: number;
  /** Of the topic that is read. */
  readonly partitions: readonly number[];
  /** Resolves when the broker has accepted it. Nothing is tried again. */
  commit(topics: OffsetsByTopicPartition['topics']): Promise<void>;
  /** Whether a commit that is sent while another one is out is not served behind it. */
  canJoin(): boolean;
  heartbeat(): Promise<void>;
  /** Of all partitions of the topic, also those of other members. */
  positions(): Promise<StoredPosition[]>;
  /** First and next offset of each partition of this member. */
  ends(): Promise<ReadonlyMap<number, { readonly low: number; readonly high: number }>>;
}

/** What a broker answered about one partition. */
export interface FetchedBatch {
  readonly partition: number;
  /** The offset that was asked for. */
  readonly from: number;
  /** The next offset that will be written. */
  readonly end: number;
  /** Set when there is no record to be read: everything before it is done with. */
  readonly emptyFrom: number | undefined;
}

/** How to end what kafkajs would wait for. */
export interface Interruption {
  /** Call it before all partitions are paused. */
  sleepShortly(): void;
  /** Fetches that are under way answer at once that there is nothing. */
  endPolls(): void;
  /** Closes all connections, whatever waits there. */
  cutConnections(): void;
  /** The next fetch of a partition begins there, in the membership that stands. */
  readFrom(partition: number, offset: number): void;
}

export interface MembershipListener {
  /** Before each join. */
  joining(interruption: Interruption): void;
  leaving(group: Group): Promise<void>;
  joined(group: Group): Promise<void>;
  /** The broker has no such offset. Nothing is read from that partition until the group is joined anew. */
  outOfRange(partition: number): void;
  /**
   * A broker has answered a fetch: one of the partitions that were asked for.
   * @returns undefined, or from where to read on: the batch is not what comes next, and is thrown away
   */
  fetched(batch: FetchedBatch): number | undefined;
  /** What failed beside the fetches since this was asked last; kafkajs does what it does when a fetch fails so. */
  failure(): Error | undefined;
  /** Nothing can be read from that partition at its position. It is not asked for any more until it is resumed. */
  unreadable(partition: number, message: string): void;
  /** A broker does not know the topic. If it comes back it may be another one, of the same name. */
  topicGone(): void;
}

interface Batch {
  readonly partition: number;
  readonly highWatermark: string;
  /** As they came, before those that nobody may see were taken out. */
  readonly rawMessages: readonly unknown[];
  isEmpty(): boolean;
  lastOffset(): string;
}

interface ConsumerGroup extends PollingGroup {
  readonly assigners: readonly (ReturnType<PartitionAssigner> & { readonly listener?: MembershipListener })[];
  readonly groupId: string;
  memberId: string | null;
  readonly generationId: number;
  readonly coordinator: {
    offsetFetch(request: object): Promise<{
      responses: { partitions: { partition: number; offset: string; metadata: string | null }[] }[];
    }>;
    heartbeat(request: object): Promise<unknown>;
    readonly connectionPool: ConnectionPool;
  };
  readonly cluster: PollingGroup['cluster'] & {
    refreshMetadata(): Promise<void>;
    findTopicPartitionMetadata(topic: string): { partitionId: number }[];
    fetchTopicsOffset(topics: object[]): Promise<{ partitions: { partition: number; offset: string }[] }[]>;
  };
  readonly topicsSubscribed: readonly string[];
  offsetManager: unknown;
  assigned(): { topic: string; partitions: number[] }[];
  commitOffsets(offsets: OffsetsByTopicPartition): Promise<void>;
  pause(partitions: { topic: string; partitions: number[] }[]): void;
  resolveOffset(resolved: { topic: string; partition: number; offset: string }): void;
  joinAndSync(): Promise<void>;
  fetch(nodeId: string): Promise<Batch[]>;
  recoverFromFetch(error: Error & { type?: string }): Promise<void>;
  recoverFromOffsetOutOfRange(error: { topic: string; partition: number }): Promise<void>;
}

const KAFKAJS_VERSION = '2.2.4';

const REJOIN: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
]);
/** The leader of a partition has moved, or is not known yet. */
const STALE_METADATA: ReadonlySet<string> = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'OFFSET_NOT_AVAILABLE',
]);
/** How often `joined` may be overtaken by the next rebalance, or by a coordinator that moves, before the consumer gives up. */
const MAX_JOINS = 20;
const JOIN_AGAIN_MS = 100;

const require = createRequire(import.meta.url);
let isPatched = false;

/** Joins that are under way. */
const joins = new WeakMap<ConsumerGroup, Promise<void>>();

/** Puts the two moments into kafkajs, once per process. */
export function patchMembership(): void {
  if (isPatched) return;
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  const { joinAndSync, heartbeat, fetch, recoverFromFetch, recoverFromOffsetOutOfRange } = prototype;
  const replaced = [joinAndSync, heartbeat, fetch, recoverFromFetch, recoverFromOffsetOutOfRange];
  if (replaced.some((each) => typeof each !== 'function')) {
    throw new Error(`kafkajs ${KAFKAJS_VERSION} is expected; this one is another`);
  }
  isPatched = true;
  prototype.joinAndSync = function () {
    const listener = listenerOf(this);
    if (listener === undefined) return joinAndSync.call(this);
    // Fetches of several brokers may find at once that the group has to be joined anew.
    const join = joins.get(this) ?? joinWith(listener, this, joinAndSync).finally(() => joins.delete(this));
    joins.set(this, join);
    return join;
  };
  // While one broker's fetch joins, kafkajs lets those of others go on: with offsets of its own making, before ours stand.
  prototype.fetch = async function (nodeId) {
    await joins.get(this)?.catch(() => {});
    const { offsetManager } = this;
    throwFailure(this);
    const batches = await poll(this, nodeId, () => fetch.call(this, nodeId));
    throwFailure(this);
    if (this.offsetManager !== offsetManager) return [];
    const listener = listenerOf(this);
    return batches.filter((batch) => {
      const offset = listener?.fetched(seenIn(batch));
      if (offset !== undefined) readFrom(this, batch.partition, offset);
      return offset === undefined && batch.rawMessages.length > 0;
    });
  };
  prototype.heartbeat = async function (options) {
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      endPollsSoon(this);
      throw error;
    }
  };
  prototype.recoverFromFetch = async function (error) {
    if (wasCut(error)) throw error;
    if (error instanceof UnreadablePartition) {
      this.pause([{ topic: error.topic, partitions: [error.partition] }]);
      listenerOf(this)?.unreadable(error.partition, error.message);
      return;
    }
    // kafkajs would go on in a topic of that name at the offset of the old one, when there is one again.
    if (error.type === 'UNKNOWN_TOPIC_OR_PARTITION') listenerOf(this)?.topicGone();
    await recoverFromFetch.call(this, error).finally(() => endPollsSoon(this));
  };
  prototype.recoverFromOffsetOutOfRange = async function (error) {
    const listener = listenerOf(this);
    if (listener === undefined) return recoverFromOffsetOutOfRange.call(this, error);
    // kafkajs would commit the latest or the earliest offset, and go on.
    this.pause([{ topic: error.topic, partitions: [error.partition] }]);
    listener.outOfRange(error.partition);
  };
}

function throwFailure(group: ConsumerGroup): void {
  const failure = listenerOf(group)?.failure();
  if (failure === undefined) return;
  endPollsSoon(group);
  throw failure;
}

function readFrom(group: ConsumerGroup, partition: number, offset: number): void {
  const [topic = ''] = group.topicsSubscribed;
  group.resolveOffset({ topic, partition, offset: String(offset - 1) });
}

/** Once kafkajs has seen why, so that it begins no new ones: it waits for the fetches of all brokers before it goes on. */
function endPollsSoon(group: ConsumerGroup): void {
  setImmediate(() => endPolls(group));
}

async function joinWith(
  listener: MembershipListener,
  group: ConsumerGroup,
  joinAndSync: ConsumerGroup['joinAndSync'],
): Promise<void> {
  listener.joining({
    sleepShortly: () => sleepShortly(group),
    endPolls: () => endPolls(group),
    cutConnections: () => cutConnections(group),
    readFrom: (partition, offset) => readFrom(group, partition, offset),
  });
  if (group.offsetManager !== null) await listener.leaving(groupOf(group));
  for (let tries = 1; ; tries++) {
    await joinAndSync.call(group);
    try {
      await listener.joined(groupOf(group));
      return;
    } catch (error) {
      if (tries === MAX_JOINS || !(await mayJoinAgain(group, error))) throw error;
      await delay(JOIN_AGAIN_MS);
    }
  }
}

function seenIn(batch: Batch): FetchedBatch {
  const { partition, highWatermark, rawMessages } = batch;
  const from = fetchedFrom(batch);
  const behind = rawMessages.length === 0 ? from : Number(batch.lastOffset()) + 1;
  return { partition, from, end: Number(highWatermark), emptyFrom: batch.isEmpty() ? behind : undefined };
}

/** The offset with which a batch of kafkajs was asked for: not in its types. */
export function fetchedFrom(batch: object): number {
  const from = 'fetchedOffset' in batch ? Number(batch.fetchedOffset) : Number.NaN;
  if (Number.isNaN(from))
    throw new Error(`kafkajs ${KAFKAJS_VERSION} is expected: a batch does not say where it begins`);
  return from;
}

/** The assigner of kafkajs, carrying the listener of its consumer. */
export function assignerWith(listener: MembershipListener): PartitionAssigner {
  return (config) => ({ ...kafkajs.PartitionAssigners.roundRobin(config), listener });
}

const listenerOf = (group: ConsumerGroup) => group.assigners.find(({ listener }) => listener !== undefined)?.listener;

async function mayJoinAgain(group: ConsumerGroup, error: unknown): Promise<boolean> {
  if (!(error instanceof kafkajs.KafkaJSProtocolError)) return false;
  if (error.type === 'UNKNOWN_MEMBER_ID') {
    group.memberId = null;
    return true;
  }
  if (STALE_METADATA.has(error.type)) {
    await group.cluster.refreshMetadata();
    return true;
  }
  return REJOIN.has(error.type);
}

function groupOf(group: ConsumerGroup): Group {
  const { groupId, generationId, coordinator, cluster } = group;
  const memberId = group.memberId ?? '';
  const [topic = ''] = group.topicsSubscribed;
  const partitions = group.assigned().flatMap((one) => (one.topic === topic ? one.partitions : []));
  const asked = partitions.map((partition) => ({ partition }));
  const offsets = async (fromBeginning: boolean) => {
    const found = await cluster.fetchTopicsOffset([{ topic, partitions: asked, fromBeginning }]);
    return new Map(found.flatMap((one) => one.partitions).map(({ partition, offset }) => [partition, Number(offset)]));
  };
  return {
    generation: generationId,
    partitions,
    commit: (topics) => group.commitOffsets({ topics }),
    canJoin: () => canJoin(coordinator.connectionPool),
    heartbeat: async () => {
      await coordinator.heartbeat({ groupId, memberId, groupGenerationId: generationId });
    },
    async positions() {
      const all = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
      const { responses } = await coordinator.offsetFetch({ groupId, topics: [{ topic, partitions: all }] });
      return responses
        .flatMap((response) => response.partitions)
        .map(({ partition, offset, metadata }) => ({ partition, offset: Number(offset), metadata }));
    },
    async ends() {
      if (partitions.length === 0) return new Map();
      const [low, high] = await Promise.all([offsets(true), offsets(false)]);
      return new Map(partitions.map((each) => [each, { low: low.get(each) ?? 0, high: high.get(each) ?? 0 }]));
    },
  };
}
