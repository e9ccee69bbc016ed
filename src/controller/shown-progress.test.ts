import { expect, test } from 'vitest';
import { LastingProgress, oneDigit, sumShown } from './shown-progress.ts';

/** Looks every 5 s; answers with what was shown after each change. */
function look(lags: readonly (number | undefined)[], rebalances = 0) {
  const lasting = new LastingProgress();
  return lags.flatMap((lag, i) => {
    const progress = { parts: [{ name: 'orders/0', lag, unsettled: 2 }], movedAt: 0, held: false, rebalances };
    return lasting.look(progress, rebalances, i * 5_000) ? [lasting.shown] : [];
  });
}

const halfMinute = <T>(value: T): T[] => Array.from({ length: 7 }, () => value);

test('a lag that comes and goes is none', () => {
  const busy = [900, 40, 3_000, 0, 700, 12, 80];
  expect(look([...busy, ...busy, ...busy])).toEqual([{ lag: 0, unsettled: 2, rebalances: 0 }]);
});

test('a lag that lasts shows by its least, with one digit; and is written again only with another', () => {
  const piled = [4_900, 4_321, 4_500, 5_000, 6_000, 5_500, 7_000];
  const shown = look([...piled, ...piled, ...halfMinute(4_100), ...halfMinute(5_100)]);
  expect(shown.map((each) => each?.lag)).toEqual([4_000, 5_000]);
});

test('nothing is shown in the first half minute, and no lag while none is known', () => {
  expect(look([1, 2, 3])).toEqual([]);
  expect(look(halfMinute(undefined))).toEqual([{ unsettled: 2, rebalances: 0 }]);
});

test.each([
  [0, 0],
  [9, 9],
  [10, 10],
  [99, 90],
  [100, 100],
  [4_321, 4_000],
])('%i shows as %i', (count, shown) => {
  expect(oneDigit(count)).toBe(shown);
});

test('the subscriptions of a trigger are summed up; the lag of all is not known before that of each is', () => {
  const one = { lag: 700, unsettled: 3, rebalances: 1 };
  const other = { lag: 600, unsettled: 4, rebalances: 0 };
  expect(sumShown([one, other])).toEqual({ lag: 1_000, unsettled: 7, rebalances: 1 });
  expect(sumShown([one, { unsettled: 0, rebalances: 0 }])).toEqual({ unsettled: 3, rebalances: 1 });
  expect(sumShown([one, undefined])).toEqual({ unsettled: 3, rebalances: 1 });
  expect(sumShown([undefined])).toBeUndefined();
});
