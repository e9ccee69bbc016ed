import { expect, test } from 'vitest';
import { PartitionEvents } from './event.ts';

const events = new PartitionEvents('c', 'orders', 3, 'key');
const record = { offset: '7', timestamp: '1700000000000', key: null, value: null, attributes: 0, headers: {} };
const keyOf = (key: Buffer | null) => events.from({ ...record, key }).headers.slice(2);

test('says where a record stands', () => {
  expect(events.from(record)).toMatchObject({
    time: 1_700_000_000_000,
    topic: 'orders',
    origin: 'kafka://c/orders',
    subject: 'partition:3#7',
    headers: [
      ['event-partition', '3'],
      ['event-offset', '7'],
    ],
    coordinates: { type: 'kafka', topic: 'orders', partition: 3, offset: '7' },
  });
});

test.each<[string, Buffer | null, readonly (readonly [string, string])[]]>([
  ['none', null, []],
  ['text', Buffer.from('o-1'), [['event-key', 'o-1']]],
  ['what may not stand in a header', Buffer.from('a\r\nx: 1\0é'), [['event-key', 'a%0D%0Ax: 1%00%C3%A9']]],
  ['bytes', Buffer.of(0xff, 0x00), [['event-key-base64', '/wA=']]],
  ['a long one', Buffer.alloc(1025, 97), []],
])('key: %s', (_, key, expected) => {
  expect(keyOf(key)).toEqual(expected);
});

test("carries a record's headers, the last one of each name", () => {
  const headers = { Trace: [Buffer.from('a'), Buffer.from('b\r\n')] };
  expect(events.from({ ...record, headers }).headers.slice(2)).toEqual([['event-header-trace', 'b%0D%0A']]);
});
