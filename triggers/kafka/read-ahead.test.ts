import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { OwnedPartition } from './partition.ts';
import { ReadAhead, Waiting } from './read-ahead.ts';

let all: Waiting;

beforeEach(() => {
  all = new Waiting();
});

const ownedAt = (position: number, partition = 0) =>
  new OwnedPartition(partition, position, 'me', ['f'], new Map(), () => {});

const aheadAt = (position: number, partition = 0) => new ReadAhead(ownedAt(position, partition), 1, all);

/** A batch of events with so many bytes each, and where it begins and ends. */
function batch(from: number, events: number, bytes = 1) {
  const messages = Array.from({ length: events }, (_, i) => ({
    key: null,
    value: Buffer.alloc(bytes),
    timestamp: '0',
    attributes: 0,
    offset: String(from + i),
    headers: {},
  }));
  return [{ partition: 0, messages }, from, from + events] as const;
}

const offsets = (ahead: ReadAhead) => ahead.first().map(({ offset }) => Number(offset));

test('batches follow on each other, and what is taken is let go of', () => {
  const ahead = aheadAt(10);
  expect([ahead.add(...batch(10, 2)), ahead.add(...batch(12, 2))]).toEqual([true, true]);
  const first = ahead.first();
  expect(ahead.add(...batch(14, 1))).toBe(true);
  ahead.taken(first, 3);
  expect([offsets(ahead), ahead.end, all.bytes]).toEqual([[13, 14], 15, 2]);
  ahead.taken(ahead.first(), 2);
  expect([ahead.size, ahead.end, all.bytes]).toEqual([0, 15, 0]);
});

test('one that overlaps adds what is new; one behind a gap adds nothing', () => {
  const ahead = aheadAt(10);
  ahead.add(...batch(10, 3));
  expect([ahead.add(...batch(11, 4)), ahead.add(...batch(16, 1))]).toEqual([true, false]);
  expect([offsets(ahead), ahead.end]).toEqual([[10, 11, 12, 13, 14], 15]);
  expect([ahead.passOver(16, 20), ahead.passOver(15, 20), ahead.end]).toEqual([false, true, 20]);
});

test('what was thrown away is to be read again, from the position on; what was decided on meanwhile takes nothing', () => {
  const ahead = aheadAt(10);
  ahead.add(...batch(10, 3));
  const first = ahead.first();
  ahead.drop();
  expect([ahead.size, ahead.end, all.bytes]).toEqual([0, 10, 0]);
  ahead.add(...batch(10, 2));
  ahead.taken(first, 1);
  expect(offsets(ahead)).toEqual([10, 11]);
});

test('another membership begins at its position', () => {
  const ahead = aheadAt(10);
  ahead.add(...batch(10, 3));
  ahead.restart(ahead.owned, 1);
  expect(ahead.end).toBe(13);
  ahead.restart(ahead.owned, 2);
  expect([ahead.size, ahead.end, all.bytes]).toEqual([0, 10, 0]);
  ahead.restart(ownedAt(7), 3);
  expect(ahead.end).toBe(7);
});

test.each([
  ['512 events', 1, (n: number) => batch(n * 512, 512), (n: number) => batch(n * 512, 1)],
  ['1 MiB', 4, (n: number) => batch(n, 1, 262_144), (n: number) => batch(n, 1)],
  ['8 batches, each of which holds the answer it came in', 8, (n: number) => batch(n, 1), (n: number) => batch(n, 1)],
] as const)('is full with more than %s', (_, fits, next, more) => {
  const ahead = aheadAt(0);
  for (let n = 0; n < fits; n++) ahead.add(...next(n));
  expect(ahead.isFull).toBe(false);
  ahead.add(...more(fits));
  expect(ahead.isFull).toBe(true);
  ahead.taken(ahead.first(), 1);
  expect(ahead.isFull).toBe(false);
});

test('is full where anything waits while there is more than 10 MiB in all partitions', () => {
  const many = Array.from({ length: 10 }, (_, partition) => aheadAt(0, partition));
  for (const ahead of many) ahead.add(...batch(0, 2, 524_288));
  expect(many.map(({ isFull }) => isFull)).toEqual(Array(10).fill(false));
  const late = aheadAt(0, 10);
  late.add(...batch(0, 1));
  expect(many.map(({ isFull }) => isFull)).toEqual(Array(10).fill(true));
  late.drop();
  expect([late.isFull, many[0]?.isFull]).toEqual([false, false]);
});

test('what was all seen before adds no batch', () => {
  const ahead = aheadAt(0);
  ahead.add(...batch(0, 4));
  ahead.taken(ahead.first(), 4);
  for (let n = 0; n < 20; n++) expect(ahead.add(...batch(0, 4))).toBe(true);
  expect([ahead.size, ahead.isFull]).toEqual([0, false]);
});

test('no more than a claim is decided on at a time, whatever it came in', () => {
  const ahead = aheadAt(0);
  ahead.add(...batch(0, 3));
  ahead.add(...batch(3, 2_000));
  const seen: number[] = [];
  while (ahead.size > 0) {
    const first = ahead.first();
    seen.push(first.length);
    ahead.taken(first, first.length);
  }
  expect([seen, all.bytes]).toEqual([[512, 512, 512, 467], 0]);
});

test('headers weigh, too', () => {
  const ahead = aheadAt(0);
  const [{ messages }] = batch(0, 1);
  const headers = { name: Buffer.alloc(1_048_576) };
  ahead.add({ partition: 0, messages: messages.map((message) => ({ ...message, headers })) }, 0, 1);
  expect(ahead.isFull).toBe(true);
});

test('whoever waits for a change of any partition hears of it, or goes on after a while, and leaves nothing behind', async () => {
  const clock = new ManualClock();
  const [ahead, other] = [aheadAt(0), aheadAt(0, 1)];
  ahead.add(...batch(0, 2));
  const woken: string[] = [];
  const wait = (name: string) => all.less.wait(clock, 1_000).then(() => woken.push(name));
  const first = wait('in time');
  clock.advance(1_000);
  await first;
  const second = wait('taken');
  ahead.taken(ahead.first(), 1);
  await second;
  const third = wait('dropped');
  other.drop();
  await third;
  expect([woken, clock.pending]).toEqual([['in time', 'taken', 'dropped'], 0]);
});
