import { expect, test } from 'vitest';
import { type MemberBench, type MemberOptions, MemoryGroup } from '../../test/support/kafka-member.ts';
import { member, row } from '../../test/support/kafka-member-checks.ts';
import { OutletBench } from '../../test/support/outlet.ts';
import { loop } from '../../test/support/scripted-commit.ts';

/** All the room that there is, at once. */
function generous(): MemberOptions {
  const bench = new OutletBench({ delivery: { concurrency: 2_000, room: 2_000, order: 'none' } });
  const tryReserve = (wanted: number) => bench.gate.tryReserve(wanted);
  return { bench, gate: { tryReserve, reserve: async (wanted) => tryReserve(wanted) } };
}

/** A member that has partition 0, with so many events in it. */
async function joined(events: number): Promise<{ readonly group: MemoryGroup; readonly one: MemberBench }> {
  const group = new MemoryGroup(1, events);
  group.generation = 1;
  const one = member(group, generous());
  await one.join(1, 0);
  return { group, one };
}

const bodies = (from: number, until: number) => Array.from({ length: until - from }, (_, i) => `0/${from + i}`);

test('reads on while a claim is on its way; the next one takes along all that came meanwhile', async () => {
  const { group, one } = await joined(9);
  group.fate = 'held';
  for (const events of [2, 3, 1]) await one.read(0, events);
  expect(one.calls()).toEqual([]);
  group.finish();
  await loop();
  expect([group.stored(0).offset, one.calls()]).toEqual([2, bodies(0, 2)]);
  await one.read(0, 3);
  group.finish();
  await loop();
  expect([group.stored(0).offset, one.calls()]).toEqual([6, bodies(0, 6)]);
  group.finish();
  await loop();
  expect([group.stored(0).offset, one.calls()]).toEqual([9, bodies(0, 9)]);
});

test('a partition that was read while the claim of another one is on its way claims all that came until its end', async () => {
  const group = new MemoryGroup(2, 5);
  group.generation = 1;
  const one = member(group, generous());
  await one.join(1, 0, 1);
  group.fate = 'held';
  await one.read(0);
  for (const events of [1, 2, 2]) await one.read(1, events);
  for (let claim = 0; claim < 2; claim++) {
    group.finish();
    await loop();
  }
  expect([group.stored(0).offset, group.stored(1).offset]).toEqual([5, 5]);
});

test('a batch that overlaps what waits, what is being claimed, or what is claimed, is taken behind it', async () => {
  const { group, one } = await joined(9);
  const again = [one.fetch(0, 4), one.fetch(0, 6), one.fetch(0, 9)];
  group.fate = 'held';
  await one.read(0, 2);
  for (const batch of again) if (batch !== undefined) await one.handle(batch);
  group.fate = 'answered';
  group.finish();
  await loop();
  await one.read(0, 9, 0);
  expect(one.calls()).toEqual(bodies(0, 9));
  await one.answer();
  expect(row(one)).toMatchObject({ read: 9, claimed: 9, delivered: 9 });
});

test('a batch that begins behind what was read is not taken: what lies before it would be passed over', async () => {
  const { one } = await joined(9);
  await one.handle({ partition: 0, from: 3, count: 2 });
  expect(one.calls()).toEqual([]);
  await one.read(0);
  expect(one.calls()).toEqual(bodies(0, 9));
});

test('a claim that is refused is told, and all that was read behind it is read again', async () => {
  const { group, one } = await joined(9);
  group.fate = 'held';
  await one.read(0, 2);
  await one.read(0, 2);
  const late = one.fetch(0, 2);
  group.fate = 'answered';
  group.finish('refused');
  await loop();
  expect([one.calls(), one.refusals.map(({ message }) => message)]).toEqual([[], ['GROUP_LOAD_IN_PROGRESS']]);
  // It was on its way when the others were thrown away.
  if (late !== undefined) await one.handle(late);
  expect(one.calls()).toEqual([]);
  await one.read(0);
  await one.answer();
  expect(one.calls()).toEqual(bodies(0, 9));
  expect(row(one)).toMatchObject({ read: 9, claimed: 9, delivered: 9 });
});

test('nothing that a membership has read is claimed in the next one without being read again', async () => {
  const { group, one } = await joined(9);
  group.fate = 'held';
  await one.read(0, 2);
  await one.read(0, 3);
  group.fate = 'answered';
  const left = one.leave(60_000);
  group.finish();
  await loop();
  await one.answer();
  await left;
  expect([group.stored(0).offset, one.calls()]).toEqual([2, bodies(0, 2)]);
  group.generation = 2;
  await one.join(2, 0);
  await loop();
  expect(group.stored(0).offset).toBe(2);
  await one.read(0);
  await one.answer();
  expect(one.calls()).toEqual(bodies(0, 9));
  expect(row(one)).toMatchObject({ read: 9, claimed: 9, delivered: 9, unknown: {}, dropped: {} });
});

test('one that stops passes on what is being claimed, and leaves the rest at the broker', async () => {
  const { group, one } = await joined(9);
  group.fate = 'held';
  await one.read(0, 2);
  await one.read(0, 3);
  one.stop();
  group.fate = 'answered';
  group.finish();
  await loop();
  await one.read(0);
  expect([group.stored(0).offset, one.calls()]).toEqual([2, bodies(0, 2)]);
});

test('a handler is held up while more than a claim waits, and says meanwhile that it lives', async () => {
  const { group, one } = await joined(1_100);
  group.fate = 'held';
  await one.read(0, 500);
  let returned = false;
  const reading = one.read(0, 600).then(() => {
    returned = true;
  });
  await one.bench.run(5_000, 500);
  expect([returned, one.heartbeats]).toEqual([false, 5]);
  group.fate = 'answered';
  group.finish();
  await reading;
  expect(one.calls()).toEqual(bodies(0, 1_100));
});

test('what holds no events counts as done with when all before it is claimed', async () => {
  const { group, one } = await joined(4);
  one.passOver(0, 0, 0);
  expect(one.reached.get(0)).toBe(0);
  group.fate = 'held';
  await one.read(0);
  one.passOver(0, 4, 6);
  expect(one.reached.get(0)).toBe(0);
  // Beyond a gap.
  one.passOver(0, 8, 9);
  group.fate = 'answered';
  group.finish();
  await loop();
  expect(one.reached.get(0)).toBe(6);
});
