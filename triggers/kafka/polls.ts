import { setTimeout as delay } from 'node:timers/promises';
import { asError } from '../../src/sdk.ts';

/*
 * A fetch that finds nothing stays open at the broker for as long as its consumer allows. A record ends it at once, so that
 * a long one costs nothing but requests that are not made; only kafkajs cannot end one before its time: whoever leaves the
 * group, or joins it anew, would wait for it. Here it can be ended, with the connection it waits on: the broker answers the
 * requests of one connection in turn, so the next fetch would wait behind it.
 *
 * kafkajs keeps two connections for each broker; the second is for fetches alone (a third, of committing.ts, for commits).
 * Heartbeats, which it sends only between fetches, are sent during a long one as well: what they say of the group ends it.
 */

/** Of `ConsumerGroup` of kafkajs. */
export interface PollingGroup {
  /** Milliseconds. */
  readonly sessionTimeout: number;
  heartbeat(options: { readonly interval: number }): Promise<void>;
  /** Milliseconds: of a fetch that finds nothing, and of a sleep where there is nothing to fetch. */
  maxWaitTime: number;
  readonly cluster: {
    refreshMetadataIfNecessary(): Promise<void>;
    readonly brokerPool: {
      readonly seedBroker: Broker | undefined;
      readonly brokers: Readonly<Record<string, Broker>>;
    };
  };
  readonly subscriptionState: { active(): Assigned[] };
  filterPartitionsByNode(nodeId: string, assigned: Assigned[]): Assigned[];
  checkForStaleAssignment(): void;
  recoverFromFetch(error: Error): Promise<void>;
}

interface Broker {
  readonly connectionPool: { readonly pool: readonly { readonly socket?: { destroy(error: Error): void } }[] };
}

interface Assigned {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** In milliseconds, both: how often a member says that it lives, and how long it lets a fetch stay open. */
export const heartbeatInterval = (sessionTimeout: number): number => sessionTimeout / 10;
export const longestPoll = (sessionTimeout: number): number => 3 * heartbeatInterval(sessionTimeout);

const SHORT_SLEEP_MS = 100;
const FETCHES = 1;
const CUT = 'nobody waits for its answers any more';

/** What is under way, and how to end it. */
const polls = new WeakMap<PollingGroup, Set<() => void>>();

/**
 * One fetch from a broker; empty when it is ended before its time. Where nothing is to be fetched from that broker, the
 * same without asking it: kafkajs would sleep.
 */
export async function poll<T>(group: PollingGroup, nodeId: string, fetch: () => Promise<T[]>): Promise<T[]> {
  if (isNothingAt(group, nodeId)) return wait(group);
  const { promise: ended, resolve } = Promise.withResolvers<T[]>();
  const fetching = fetch();
  const end = () => {
    // What becomes of the request that is cut off concerns nobody.
    fetching.catch(() => {});
    resolve([]);
    cut(group.cluster.brokerPool.brokers[nodeId], FETCHES);
  };
  return underWay(group, end, Promise.race([fetching, ended]));
}

/**
 * Call it before all partitions are paused. A fetch that is about to be made finds then that there is nothing to fetch, and
 * kafkajs sleeps: nobody can end that.
 */
export function sleepShortly(group: PollingGroup): void {
  group.maxWaitTime = SHORT_SLEEP_MS;
}

/** Ends all fetches that are under way: they answer that there is nothing. */
export function endPolls(group: PollingGroup): void {
  for (const end of polls.get(group) ?? []) end();
}

/** A fetch was ended, and this became of its request. */
export const wasCut = (error: Error): boolean => error.message.includes(CUT);

/** Closes all connections of a consumer, whatever waits for an answer there. */
export function cutConnections({ cluster: { brokerPool } }: PollingGroup): void {
  for (const broker of [brokerPool.seedBroker, ...Object.values(brokerPool.brokers)]) cut(broker);
}

async function wait(group: PollingGroup): Promise<never[]> {
  try {
    await group.cluster.refreshMetadataIfNecessary();
    group.checkForStaleAssignment();
  } catch (error) {
    await group.recoverFromFetch(asError(error));
    return [];
  }
  const early = new AbortController();
  const late = delay(longestPoll(group.sessionTimeout), undefined, { signal: early.signal }).catch(() => {});
  await underWay(group, () => early.abort(), late);
  return [];
}

async function underWay<T>(group: PollingGroup, end: () => void, poll: Promise<T>): Promise<T> {
  const all = polls.get(group) ?? new Set();
  polls.set(group, all.add(end));
  const stop = keepAlive(group);
  try {
    return await poll;
  } finally {
    stop();
    all.delete(end);
  }
}

/** Groups of an interval, whose heartbeats leave together: waking up costs an idle process more than what it wakes up for. */
const hearts = new Map<number, { readonly timer: NodeJS.Timeout; readonly groups: Map<PollingGroup, number> }>();

/** Sends heartbeats until the answer is called. Fetches from several brokers share them. */
function keepAlive(group: PollingGroup): () => void {
  const interval = heartbeatInterval(group.sessionTimeout);
  const heart = hearts.get(interval) ?? startHeart(interval);
  const { groups } = heart;
  groups.set(group, (groups.get(group) ?? 0) + 1);
  return () => {
    const others = (groups.get(group) ?? 1) - 1;
    if (others > 0) return void groups.set(group, others);
    groups.delete(group);
    if (groups.size > 0) return;
    clearInterval(heart.timer);
    hearts.delete(interval);
  };
}

function startHeart(interval: number) {
  const groups = new Map<PollingGroup, number>();
  const beat = () => {
    for (const group of groups.keys()) {
      // After one that says that the group changes, kafkajs sends another, and does what its answer says. One that was sent
      // a moment ago is enough.
      group.heartbeat({ interval: interval / 2 }).catch(() => {});
    }
  };
  const heart = { timer: setInterval(beat, interval), groups };
  hearts.set(interval, heart);
  return heart;
}

function isNothingAt(group: PollingGroup, nodeId: string): boolean {
  try {
    const here = group.filterPartitionsByNode(nodeId, group.subscriptionState.active());
    return here.every(({ partitions }) => partitions.length === 0);
  } catch {
    // Its metadata are not as they should be: a fetch says so, and kafkajs knows what to do then.
    return false;
  }
}

function cut(broker: Broker | undefined, only?: number): void {
  for (const [i, { socket }] of broker?.connectionPool.pool.entries() ?? []) {
    if (only === undefined || only === i) socket?.destroy(new Error(CUT));
  }
}
