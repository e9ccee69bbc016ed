import { expect, test } from 'vitest';
import type { Gate, Room } from '../../src/domain/kind.ts';
import { MemoryGroup } from '../../test/support/kafka-member.ts';
import { member, row, storedBy } from '../../test/support/kafka-member-checks.ts';
import { loop } from '../../test/support/scripted-commit.ts';
import { JOIN_AFTER_MS } from './pacing.ts';

test('what is settled is stored a moment later by itself, once', async () => {
  const group = new MemoryGroup(2, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0, 1);
  await one.read(0);
  await one.answer();
  expect(storedBy(group, 0)?.open).toEqual([0, 1, 2]);
  await one.quiet();
  expect(storedBy(group, 0)).toMatchObject({ open: [] });
  expect(storedBy(group, 0)?.counts.get('f')).toMatchObject({ read: 3, claimed: 3, delivered: 3 });
  const before = group.stored(0);
  await one.quiet(5_000);
  expect(group.stored(0)).toBe(before);
});

test('what is settled travels with the next claim of any partition', async () => {
  const group = new MemoryGroup(2, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0, 1);
  await one.read(0);
  await one.answer();
  expect(storedBy(group, 0)?.open).not.toEqual([]);
  await one.read(1);
  expect(storedBy(group, 0)).toMatchObject({ open: [] });
  expect(storedBy(group, 0)?.counts.get('f')).toMatchObject({ read: 3, delivered: 3 });
});

test('a settling that is refused is stored with the next one', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  const one = member(group);
  await one.join(1, 0);
  await one.read(0);
  await one.answer();
  group.generation = 2;
  await one.quiet();
  expect(storedBy(group, 0)?.open).toEqual([0, 1, 2]);
  await one.leave();
  await one.join(2, 0);
  await one.quiet();
  expect(storedBy(group, 0)?.open).toEqual([]);
  expect(one.failures).toEqual([]);
});

test('a position that is lost is held, and nothing of it is read or stored', async () => {
  const group = new MemoryGroup(2, 0);
  group.generation = 1;
  group.positions.set(0, { partition: 0, offset: 5, metadata: '' });
  group.ends.set(0, { low: 20, high: 30 });
  const one = member(group);
  expect(await one.join(1, 0, 1)).toMatchObject([
    { partition: 0, message: expect.stringMatching(/position 5 .* gone/) },
  ]);
  expect(group.stored(0).offset).toBe(5);
  expect(row(one)).toMatchObject({ read: 0 });
});

test.each([
  ['newest', 30, 25],
  ['earliest', 20, 15],
])('a position that is lost goes on at the %s, and the gap is counted', async (onOffsetsLost, position, lost) => {
  const group = new MemoryGroup(1, 0);
  group.generation = 1;
  group.positions.set(0, { partition: 0, offset: 5, metadata: '' });
  group.ends.set(0, { low: 20, high: 30 });
  const one = member(group, { spec: { onOffsetsLost } });
  expect(await one.join(1, 0)).toEqual([]);
  expect(group.stored(0).offset).toBe(position);
  expect(row(one)).toMatchObject({ read: lost, claimed: 0, droppedBeforeClaim: { offsets_lost: lost } });
  const two = member(group);
  group.generation = 2;
  await two.join(2, 0);
  expect(row(two)).toMatchObject({ read: lost, droppedBeforeClaim: { offsets_lost: lost } });
});

test('a gap of unknown size is a gap, never a number', async () => {
  const group = new MemoryGroup(1, 3);
  group.generation = 1;
  group.positions.set(0, { partition: 0, offset: 50, metadata: '' });
  const one = member(group, { spec: { onOffsetsLost: 'newest' } });
  await one.join(1, 0);
  expect(row(one)).toMatchObject({ read: 0 });
  expect(one.bench.delivery.report().triggers[0]?.gaps).toMatchObject([
    { cause: expect.stringMatching(/position 50/) },
  ]);
});

test('that a position existed is remembered beyond the broker', async () => {
  const memory = new Map<string, unknown>();
  const keeping = {
    recall: (key: string) => memory.get(key),
    remember: async (key: string, value: unknown) => void memory.set(key, value),
  };
  const group = new MemoryGroup(2, 3);
  group.generation = 1;
  await member(group, { memory: keeping }).join(1, 0, 1);
  group.positions.clear();
  group.ends.set(2, { low: 0, high: 4 });
  group.generation = 2;
  const two = member(group, { memory: keeping, spec: { startFrom: 'newest' } });
  expect(await two.join(2, 0, 1, 2)).toMatchObject([{ partition: 0 }, { partition: 1 }]);
  expect(group.stored(2).offset).toBe(0);
});

test('the window bounds what one call that hangs can hold up', async () => {
  const group = new MemoryGroup(1, 6_000);
  group.generation = 1;
  const hanging: (() => void)[] = [];
  const pass: Room['pass'] = (events, onSettled) => {
    for (const event of events) {
      const settle = () => onSettled(event, [{ type: 'delivered', status: 200, ms: 1 }]);
      if (hanging.length === 0) hanging.push(settle);
      else settle();
    }
    return { disown() {}, abort() {} };
  };
  const roomFor = (size: number): Room => ({ size, reason: 'overflow', pass, release() {} });
  const gate: Gate = { reserve: async (wanted) => roomFor(wanted), tryReserve: roomFor };
  const one = member(group, { gate });
  await one.join(1, 0);
  const reading = one.read(0);
  await loop(100);
  expect(group.stored(0).offset).toBe(4_096);
  expect(storedBy(group, 0)?.open[0]).toBe(0);
  for (const settle of hanging) settle();
  await reading;
  await one.quiet();
  expect(group.stored(0).offset).toBe(6_000);
  expect(storedBy(group, 0)).toMatchObject({ open: [] });
});

test('what is stored as unsettled stays in the window, also of a partition that was away and came back', async () => {
  const group = new MemoryGroup(2);
  group.generation = 1;
  const one = member(group, { isEager: true, delivery: { room: 4, concurrency: 2 } });
  /** The broker lets the commit of the claim wait. */
  const claim = async (partition: number, events: number) => {
    group.produce(partition, events);
    group.fate = 'held';
    await one.read(partition);
    await one.quiet(2 * JOIN_AFTER_MS);
    group.finish();
    group.fate = 'answered';
    await loop();
  };
  const open = () => [0, 1].map((partition) => storedBy(group, partition)?.open.length ?? 0);
  await one.join(1, 0, 1);
  await claim(0, 4);
  expect(open()).toEqual([4, 0]);
  // Whoever has it meanwhile commits nothing.
  for (const partitions of [[1], [0, 1]]) {
    await one.leave(0);
    group.generation++;
    await one.join(group.generation, ...partitions);
  }
  for (let i = 0; i < 4; i++) await one.answer();
  await claim(1, 6);
  expect(open()).toEqual([0, 6]);
});
