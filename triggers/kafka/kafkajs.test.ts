import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { silent } from '../../test/support/topic-log.ts';
import { createKafka } from './kafkajs.ts';

const require = createRequire(import.meta.url);
const home = dirname(require.resolve('kafkajs/package.json'));

/**
 * The files that kafkajs.ts, membership.ts and polls.ts reach into, or whose order of steps they rely on, as they were read. Where
 * this fails, read what has changed against what those two files say of it, and only then put in the new digests.
 */
const READ: Readonly<Record<string, string>> = {
  'src/consumer/consumerGroup.js': 'f3e461738585a8dc6574c647123a18afc732f81cdee4f9f7bb62e4aa1dffbfbb',
  'src/consumer/offsetManager/index.js': 'bd1041968ae322324ebf64d2569308db19d24f70ee5dbb72c964b43bfe85c00e',
  'src/consumer/runner.js': 'fad3247df2e3ba483b94e014e5c5916fd72d7bdfc3b3dfccc5232b60da18306d',
  'src/consumer/batch.js': '04ee8657247441599f200af5871ce6b3c4463abe941b97405502f8f5f683face',
  'src/consumer/filterAbortedMessages.js': '54ce50f2a41ee1686da8b73bf8b502c7dd07c9d7cb0a494cdb36a7fc536ced8e',
  'src/protocol/requests/fetch/index.js': 'b0961e16fca52023266570255c23e30cd770b3813bb5d75f879fe6b1609ea7c5',
  'src/protocol/requests/fetch/v4/decodeMessages.js':
    'd9fede59bebf84ee15169d0ecc54df594a11722b6ba8d5db535ed1d8548d4fcc',
  'src/protocol/requests/fetch/v11/response.js': '9cb972647500104e7d616edcb4856119f4a716664b64bbb1ee96c8f4f0a83eb6',
  'src/broker/saslAuthenticator/index.js': '535765470e1172399633a8cd8238212c0fbcda859980d09ced42a8b7184e429b',
  'src/broker/saslAuthenticator/plain.js': '291dac5bdde12c4c0fbe6fe4a6c3f4d307b7e251b364788650042dc3a13a11ff',
  'src/broker/saslAuthenticator/scram.js': 'f85d2cfe3c99d14a4f9f0b67c5f7457ac2affbfdfd4c0af7debbb61e969f2db5',
  'src/cluster/connectionPoolBuilder.js': '05a6be8bbf9e2bb9de56e7fc66e1f752799271ebe595575d57f244d8de198233',
  'src/cluster/brokerPool.js': '9994863e891ac2ab243f27f941ef87893889f53d64aa580353fafbb8d11614c6',
  'src/consumer/fetcher.js': 'a9418ebe7cffdbac79408ebf176450e508420bb2cdb2ae51d79bf4ee1a244c16',
  'src/consumer/fetchManager.js': '9a07c96b6150d654ab47c3fe7f98a6ae9c3fc3fdf340ad8001d69dc25e3131d0',
  'src/network/connection.js': '2a993b2e74421ca6d846efd59e4ba74b11100dbe7d40d0f52ea3218e917aafdd',
  'src/network/connectionPool.js': 'ecba4ba6fc4f2a6e5f336b838b573dcca3f01fb39542530841d68691fe4957de',
  'src/network/requestQueue/index.js': 'b55986089c14f8f7bfc377922e2e65b3e4c1e7c7af2752d3b10a75dfe9e9260c',
  'src/network/requestQueue/socketRequest.js': 'dde28f8e26c6d17fe3383c60b2bfce27f4790ee4552ca7e73e78fdce30c6bf1d',
};

describe('kafkajs', () => {
  test('is exactly the version that was read', () => {
    expect(require('kafkajs/package.json')).toMatchObject({ version: '2.2.4' });
  });

  test.each(Object.entries(READ))('%s is as it was read', async (file, digest) => {
    const text = await readFile(join(home, file));
    expect(createHash('sha256').update(text).digest('hex')).toBe(digest);
  });

  test('has the parts that are replaced, and the fields that are used', () => {
    const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup');
    for (const name of [
      'joinAndSync',
      'heartbeat',
      'fetch',
      'recoverFromFetch',
      'recoverFromOffsetOutOfRange',
      'commitOffsets',
      'pause',
      'filterPartitionsByNode',
      'checkForStaleAssignment',
    ]) {
      expect(ConsumerGroup.prototype[name]).toBeInstanceOf(Function);
    }
    const { prototype: pool } = require('kafkajs/src/network/connectionPool');
    const { prototype: connection } = require('kafkajs/src/network/connection');
    expect(pool.getConnectionByRequest).toBeInstanceOf(Function);
    for (const name of ['connect', 'authenticate', 'send', 'isConnected', 'setVersions']) {
      expect(connection[name]).toBeInstanceOf(Function);
    }
    const logger = { namespace: () => logger };
    const times = { sessionTimeout: 30_000, maxWaitTimeInMs: 9_000 };
    const group = new ConsumerGroup({ topics: ['orders'], groupId: 'g', assigners: [], logger, cluster: {}, ...times });
    expect(group).toMatchObject({ groupId: 'g', topicsSubscribed: ['orders'], offsetManager: null, memberId: null });
    expect(group).toMatchObject({ sessionTimeout: 30_000, maxWaitTime: 9_000 });
    expect(group.subscriptionState.active()).toEqual([]);
  });
});

test('each fetch begins with another partition, and asks for all of them', () => {
  createKafka({ brokers: ['127.0.0.1:1'] }, silent);
  const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup');
  const logger = { namespace: () => logger };
  const leaders = [0, 1, 2, 3].map((partitionId) => ({ partitionId, leader: partitionId === 3 ? 2 : 1 }));
  const cluster = { findTopicPartitionMetadata: () => leaders };
  const group = new ConsumerGroup({ topics: ['orders'], groupId: 'g', assigners: [], logger, cluster });
  const assigned = [{ topic: 'orders', partitions: [0, 1, 2, 3] }];
  const asked = Array.from({ length: 4 }, () => group.filterPartitionsByNode(1, assigned)[0].partitions.join());
  expect(asked).toEqual(['0,1,2', '1,2,0', '2,0,1', '0,1,2']);
  expect(group.filterPartitionsByNode(9, assigned)).toEqual([{ topic: 'orders', partitions: [] }]);
});

const queueClass = z.custom<new (options: object) => Queue>((value) => typeof value === 'function');
interface Queue {
  pending: object[];
  throttledUntil: number;
  checkPendingRequests(): void;
  maybeThrottle(ms: number): void;
  readonly inflight: Map<number, object>;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
}

describe('a connection', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const queue = (): Queue => {
    createKafka({ brokers: ['127.0.0.1:1'] }, silent);
    const RequestQueue = queueClass.parse(require('kafkajs/src/network/requestQueue'));
    const logger = { debug() {} };
    return new RequestQueue({ logger, isConnected: () => true, maxInFlightRequests: 1, enforceRequestTimeout: true });
  };

  test('has no timer while nothing waits (tulios/kafkajs#1604, #1751)', () => {
    vi.useFakeTimers();
    const idle = queue();
    idle.checkPendingRequests();
    idle.maybeThrottle(5_000);
    idle.checkPendingRequests();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that the broker throttles looks again when its time is over, if something waits', () => {
    vi.useFakeTimers();
    const throttled = queue();
    const sent: object[] = [];
    Object.assign(throttled, { sendSocketRequest: (request: object) => sent.push(request) });
    throttled.maybeThrottle(5_000);
    throttled.pending.push({ name: 'commit' });
    throttled.checkPendingRequests();
    expect([vi.getTimerCount(), sent.length]).toEqual([1, 0]);
    vi.advanceTimersByTime(5_001);
    expect([vi.getTimerCount(), sent.length]).toEqual([0, 1]);
  });

  test('shares the timer that ends requests without an answer with all others, and takes it along when it is the last', () => {
    vi.useFakeTimers();
    const all = [queue(), queue(), queue()];
    const late = vi.fn();
    const early = vi.fn();
    for (const one of all) one.scheduleRequestTimeoutCheck();
    expect(vi.getTimerCount()).toBe(1);
    all[1]?.inflight.set(1, { sentAt: Date.now(), requestTimeout: 5_000, timeoutRequest: late });
    all[1]?.inflight.set(2, { sentAt: Date.now(), requestTimeout: 60_000, timeoutRequest: early });
    vi.advanceTimersByTime(4_900);
    expect(late).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_200);
    expect([late.mock.calls.length, early.mock.calls.length]).toEqual([1, 0]);
    for (const one of all) one.destroy();
    expect(vi.getTimerCount()).toBe(0);
  });
});
