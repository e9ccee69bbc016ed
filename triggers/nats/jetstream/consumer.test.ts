import { expect, test } from 'vitest';
import { natsTriggerSpec } from '../spec.ts';
import { consumerSettings } from './consumer.ts';

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
