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
 * The files that membership.ts and kafkajs.ts reach into, or whose order of steps they rely on, as they were read. Where
 * this fails, read what has changed against what those two files say of it, and only then put in the new digests.
 */
const READ: Readonly<Record<string, string>> = {
  'src/consumer/consumerGroup.js': 'f3e461738585a8dc6574c647123a18afc732f81cdee4f9f7bb62e4aa1dffbfbb',
  'src/consumer/offsetManager/index.js': 'bd1041968ae322324ebf64d2569308db19d24f70ee5dbb72c964b43bfe85c00e',
  'src/consumer/runner.js': 'fad3247df2e3ba483b94e014e5c5916fd72d7bdfc3b3dfccc5232b60da18306d',
  'src/protocol/recordBatch/record/v0/decoder.js': '86d740054c8be29b02873bf2871eb43ba5004af94324610541dbab2d9fabcc65',
  'src/network/requestQueue/index.js': 'b55986089c14f8f7bfc377922e2e65b3e4c1e7c7af2752d3b10a75dfe9e9260c',
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
      'fetch',
      'recoverFromFetch',
      'recoverFromOffsetOutOfRange',
      'commitOffsets',
      'pause',
    ]) {
      expect(ConsumerGroup.prototype[name]).toBeInstanceOf(Function);
    }
    const logger = { namespace: () => logger };
    const group = new ConsumerGroup({ topics: ['orders'], groupId: 'g', assigners: [], logger, cluster: {} });
    expect(group).toMatchObject({ groupId: 'g', topicsSubscribed: ['orders'], offsetManager: null, memberId: null });
  });
});

test('a record with thousands of headers is read with the first of them only', () => {
  createKafka({ brokers: ['127.0.0.1:1'] }, silent);
  const encode = require('kafkajs/src/protocol/recordBatch/record/v0');
  const decode = require('kafkajs/src/protocol/recordBatch/record/v0/decoder');
  const Decoder = require('kafkajs/src/protocol/decoder');
  const named = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, `${i}`]));
  const read = (headers: object) => {
    const decoder = new Decoder(encode({ key: 'k', value: 'v', headers }).buffer);
    decoder.readVarInt();
    const record = decode(decoder, { firstOffset: '7', firstTimestamp: '0' });
    expect({ offset: record.offset, value: String(record.value) }).toEqual({ offset: '7', value: 'v' });
    return Object.keys(record.headers);
  };
  expect(read(named(3))).toEqual(['h0', 'h1', 'h2']);
  expect(read({})).toEqual([]);
  expect(read(named(2_000))).toEqual(Object.keys(named(256)));
});

const queueClass = z.custom<new (options: object) => Queue>((value) => typeof value === 'function');
interface Queue {
  pending: object[];
  throttledUntil: number;
  checkPendingRequests(): void;
  maybeThrottle(ms: number): void;
}

describe('a connection', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const queue = (): Queue => {
    createKafka({ brokers: ['127.0.0.1:1'] }, silent);
    const RequestQueue = queueClass.parse(require('kafkajs/src/network/requestQueue'));
    return new RequestQueue({ logger: { debug() {} }, isConnected: () => true, maxInFlightRequests: 1 });
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
});
