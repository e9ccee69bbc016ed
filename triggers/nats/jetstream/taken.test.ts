import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Delivered } from './api.ts';
import { latest, NOTHING_TAKEN, type Run, runOf, TakenDeliveries, together, untaken } from './taken.ts';

const start = { consumerSequence: 0, sequence: 0 };
/** Every third event of the stream is for another consumer. */
const placeOf = (n: number) => n + (n >> 1);
const delivery = (n: number): Delivered => ({ consumerSequence: n, sequence: placeOf(n) });
const takenBy = (members: readonly number[], wanted: number) => {
  const taken = new TakenDeliveries(NOTHING_TAKEN);
  for (const [i, member] of members.entries()) if (member === wanted) taken.add(delivery(i + 1));
  return taken;
};
const numbersOf = (runs: readonly Run[]) =>
  runs.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));

it('what nobody has is what the others leave out, with its place in the stream', () => {
  const deliveries = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(deliveries, (members) => {
      const others = [1, 2, 3].map((member) => takenBy(members, member).all);
      const found = untaken(start, delivery(members.length), together(others).runs);
      expect(numbersOf(found.map(runOf))).toEqual(numbersOf(takenBy(members, 0).all.runs));
      for (const { first, count, after, through } of found) {
        expect(after).toBeLessThan(placeOf(first));
        expect(through).toBeGreaterThanOrEqual(placeOf(first + count - 1));
      }
    }),
  );
});

it('leaves out what was found before', () => {
  const taken = new TakenDeliveries({ since: start, runs: [[1, 2, 1, 3]] });
  const found = untaken(start, delivery(6), [...taken.all.runs, [5, 1, 7, 7]]);
  for (const missing of found) taken.addRun(runOf(missing));
  expect(numbersOf(found.map(runOf))).toEqual([3, 4, 6]);
  expect(untaken(start, delivery(6), [...taken.all.runs, [5, 1, 7, 7]])).toEqual([]);
});

it('looks behind one delivery and up to another only', () => {
  const runs: Run[] = [
    [1, 3, 1, 4],
    [8, 4, 12, 16],
  ];
  expect(untaken(delivery(2), delivery(9), runs)).toEqual([{ first: 4, count: 4, after: 4, through: 11 }]);
  expect(untaken(delivery(5), delivery(6), runs)).toEqual([{ first: 6, count: 1, after: 7, through: 9 }]);
  expect(untaken(delivery(9), delivery(9), [])).toEqual([]);
});

it('is of few runs for a member that has all, and knows from where on it tells of many', () => {
  const taken = new TakenDeliveries(NOTHING_TAKEN);
  for (let n = 1; n <= 1_000; n++) taken.add(delivery(n));
  expect(taken.all.runs).toEqual([[1, 1_000, 1, placeOf(1_000)]]);
  for (let n = 1_002; n <= 1_100; n += 2) taken.add(delivery(n));
  expect(latest(taken.all, 2)).toEqual({
    since: delivery(1_096),
    runs: [
      [1_098, 1, placeOf(1_098), placeOf(1_098)],
      [1_100, 1, placeOf(1_100), placeOf(1_100)],
    ],
  });
  expect(taken.between(1_001, 1_005).runs.map(([first]) => first)).toEqual([1_002, 1_004]);
});
