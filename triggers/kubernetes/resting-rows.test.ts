import { expect, test } from 'vitest';
import { type Counts, noCounts, total } from '../../src/sdk.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { MemberRow } from './checkpoint.ts';
import { whole } from './position.ts';
import { RestingRows } from './resting-rows.ts';

const counts = (claimed: number, delivered: number): Counts => ({ ...noCounts(), read: claimed, claimed, delivered });
const row = (since: number, functions: [string, Counts][]): MemberRow => ({
  trigger: 't',
  at: whole('10'),
  since,
  walk: undefined,
  gaps: undefined,
  functions: new Map(functions),
});
const none = { members: new Map(), left: undefined };

test('of too many rows those that left first go, and their counts are kept in one sum', () => {
  const clock = new ManualClock();
  const rows = new RestingRows(none, { most: 2, keepMs: 1_000, clock });
  for (let i = 0; i < 5; i++) rows.set(`uid/f${i}`, row(i, [[`f${i}`, counts(10, 9)]]));
  const isPaused = (key: string) => key === 'uid/f0';
  rows.fold(isPaused);
  expect([...rows.keys()]).toHaveLength(5);
  clock.advance(1_000);
  rows.fold(isPaused);
  expect([...rows.keys()]).toEqual(['uid/f0', 'uid/f3', 'uid/f4']);
  expect(rows.left).toMatchObject({ read: 20, claimed: 20, delivered: 18, unknown: { crash: 2 } });
  rows.fold(isPaused, 0);
  expect([...rows.keys()]).toEqual(['uid/f0']);
  expect(rows.left).toMatchObject({ read: 40, claimed: 40, delivered: 36, unknown: { crash: 4 } });
});

test('rows that were stored go in the order in which they left, and the sum goes on', () => {
  const members = new Map([3, 1, 2].map((n) => [`uid/f${n}`, row(n, [[`f${n}`, counts(1, 1)]])]));
  const clock = new ManualClock();
  const rows = new RestingRows({ members, left: counts(5, 5) }, { most: 1, keepMs: 0, clock });
  rows.fold(() => false);
  expect([...rows.keys()]).toEqual(['uid/f3']);
  expect(rows.left).toMatchObject({ claimed: 7, delivered: 7 });
});

test('a row of many functions keeps the counts of some that have left', () => {
  const rows = new RestingRows(none, { most: 1, keepMs: 0, clock: new ManualClock() });
  const names = ['a', 'b', 'c', 'd'];
  const before = row(
    0,
    names.map((name) => [name, counts(3, 2)]),
  );
  const { functions } = rows.withoutLeft(before, ['d']);
  expect([...functions.keys()]).toEqual(['c', 'd']);
  const { left } = rows;
  expect(left).toMatchObject({ claimed: 6, delivered: 4, unknown: { crash: 2 } });
  expect(left && left.delivered + total(left.unknown)).toBe(6);
});
