import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { silent } from '../../test/support/topic-log.ts';
import { Decider } from './decision.ts';
import { OwnedPartition } from './partition.ts';
import { Unreadable } from './records.ts';
import { kafkaTriggerSpec } from './spec.ts';

const record = (offset: number) => ({
  key: null,
  value: Buffer.from('v'),
  timestamp: '0',
  attributes: 0,
  offset: String(offset),
  headers: {},
});

function decide(position: number, ...messages: readonly (ReturnType<typeof record> | Unreadable)[]) {
  const decider = new Decider(kafkaTriggerSpec.parse({ topic: 'orders' }), 'c', {
    clock: new ManualClock(),
    log: silent,
  });
  const owned = new OwnedPartition(0, position, 'me', ['f'], new Map(), () => {});
  return decider.decide([...messages], 100, owned);
}

test('what lies before the position is decided on by no one again', () => {
  const decision = decide(12, record(10), record(11), record(12), record(13));
  expect(decision).toMatchObject({ offsets: [12, 13], position: 14, count: 4 });
});

test('of records that cannot be read, each offset from the position on is dropped', () => {
  const decision = decide(12, new Unreadable(10, 14, 'CRC'), record(15));
  expect(decision).toMatchObject({ offsets: [15], dropped: Array(3).fill('invalid'), position: 16, count: 2 });
});

test('more of them than fit in a claim are decided on in parts', () => {
  const decision = decide(0, record(0), new Unreadable(1, 2_000, 'CRC'));
  expect(decision).toMatchObject({ offsets: [0], position: 512, count: 1 });
  expect(decision.dropped.length).toBe(511);
});
