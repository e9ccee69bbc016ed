import { describe, expect, test } from 'vitest';
import { natsTriggerSpec } from '../spec.ts';
import { consumerSettings, type Known, startAt } from './consumer.ts';
import type { MemberRecord } from './record.ts';
import { NOTHING_TAKEN } from './taken.ts';

const settings = (delivery: object, functionTimeout?: number) =>
  consumerSettings({
    spec: natsTriggerSpec.parse({ topic: 'a', delivery }),
    ...(functionTimeout !== undefined && { functionTimeout }),
  });
const seconds = (nanoseconds: number) => nanoseconds / 1e9;

test('ack_wait is longer than an event may wait and its call may take: ttl, time-out, and a margin', () => {
  expect(seconds(settings({ ttl: '10s', timeout: '20s' }, 600_000).ackWait)).toBe(60);
  expect(seconds(settings({ ttl: '10s' }, 60_000).ackWait)).toBe(100);
  expect(seconds(settings({ ttl: '10s' }).ackWait)).toBe(940);
});

test('four members have room beside one another', () => {
  expect(settings({ room: 100, concurrency: 10 }).maxAckPending).toBe(440);
});

describe('where a consumer begins that is made anew', () => {
  const stream = { name: 's', created: 'now' };
  const left = (sequence: number, at: number, more: Partial<MemberRecord> = {}): MemberRecord => ({
    owner: null,
    isKept: false,
    stream: 'now',
    consumer: 'c',
    last: { sequence, consumerSequence: sequence },
    taken: NOTHING_TAKEN,
    open: [],
    settled: [],
    functions: ['f'],
    counts: new Map(),
    at,
    ...more,
  });
  const start = (known: Partial<Known>) =>
    startAt(natsTriggerSpec.parse({ topic: 'a' }), stream, { found: [], others: [], memory: undefined, ...known });

  test('with the trigger as its spec says', () => {
    expect(start({})).toEqual({ start: { type: 'newest' } });
    const empty = left(0, 1, { stream: null });
    expect(startAt({ startFrom: 'earliest' }, stream, { found: [empty], others: [], memory: undefined })).toEqual({
      start: { type: 'earliest' },
    });
  });

  test('behind what any member knew of, whoever left last', () => {
    const behindAll = { start: { type: 'sequence', sequence: 101 } };
    expect(start({ found: [left(100, 10), left(98, 11)] })).toEqual(behindAll);
    expect(start({ found: [left(98, 11)], others: [left(100, 10)] })).toEqual(behindAll);
  });

  test('with new events, and a gap, when one of them has died', () => {
    const known = { found: [left(98, 11), left(100, 10, { owner: 'dead' })] };
    expect(start(known)).toEqual({ start: { type: 'newest' }, lostSince: 10 });
    expect(start({ memory: { stream: 'now', at: 7 } })).toEqual({ start: { type: 'newest' }, lostSince: 7 });
  });

  test('not before a member that lives has found out', () => {
    const others = [left(100, 10, { owner: 'alive' })];
    expect(() => start({ found: [left(98, 11)], others })).toThrow(/was deleted, and another member still reads it/);
  });

  test('with the stream, when that was made anew', () => {
    const others = [left(100, 10, { owner: 'alive', stream: 'before' })];
    expect(start({ found: [left(98, 11, { stream: 'before' })], others })).toEqual({ start: { type: 'earliest' } });
    expect(start({ memory: { stream: 'before', at: 7 } })).toEqual({ start: { type: 'earliest' } });
  });
});
