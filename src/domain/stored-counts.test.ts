import { describe, expect, it, test } from 'vitest';
import { addCounts, type Counts, isBalanced, noCounts } from './ledger.ts';
import { droppedReasons, unknownReasons } from './outcome.ts';
import { storedCounts, withoutZeros } from './stored-counts.ts';

const counts = (of: object): Counts => ({ ...noCounts(), ...of });

describe('stored counts', () => {
  test.each([
    ['none', noCounts(), {}],
    ['zeros beside others', counts({ read: 3, claimed: 3, delivered: 2 }), { read: 3, claimed: 3, delivered: 2 }],
    [
      'reasons',
      counts({ read: 1, claimed: 1, unknown: { ...noCounts().unknown, crash: 1 } }),
      { read: 1, claimed: 1, unknown: { crash: 1 } },
    ],
  ])('leave out zeros, and are read as they were: %s', (_, given, stored) => {
    expect(withoutZeros(given)).toEqual(stored);
    expect(storedCounts.parse(stored)).toEqual(given);
  });

  it('of a later version keep its reasons, and balance, also when they are added to others', () => {
    const later = storedCounts.parse({ read: 3, claimed: 3, delivered: 1, dropped: { of_tomorrow: 2 } });
    expect(isBalanced(later, 0)).toBe(true);
    const sum = counts({ read: 1, claimed: 1, delivered: 1 });
    addCounts(sum, later, 1);
    expect(isBalanced(sum, 0)).toBe(true);
    addCounts(sum, later, -1);
    expect(withoutZeros(sum)).toEqual({ read: 1, claimed: 1, delivered: 1 });
  });

  it('may have a reason with any name', () => {
    const dropped = { constructor: 1, http_429: 2 };
    const later = storedCounts.parse({ read: 3, claimed: 3, dropped });
    const sum = noCounts();
    addCounts(sum, later, 1);
    expect(isBalanced(sum, 0)).toBe(true);
    expect(withoutZeros(sum)).toEqual({ read: 3, claimed: 3, dropped });
  });

  it('have room for every reason of this version', () => {
    const one = (reasons: readonly string[]) => Object.fromEntries(reasons.map((reason) => [reason, 1]));
    const of = { unknown: one(unknownReasons), dropped: one(droppedReasons), droppedBeforeClaim: one(droppedReasons) };
    expect(storedCounts.parse(of)).toMatchObject(of);
  });

  it('are read as earlier forms were written', () => {
    const { unknown, dropped, droppedBeforeClaim, ...numbers } = noCounts();
    const byJetStream = {
      ...numbers,
      read: 2,
      claimed: 2,
      delivered: 2,
      unknown: {},
      dropped: {},
      droppedBeforeClaim: {},
    };
    const byTheLog = { ...byJetStream, unknown, dropped, droppedBeforeClaim };
    for (const stored of [byJetStream, byTheLog])
      expect(storedCounts.parse(stored)).toEqual(counts({ read: 2, claimed: 2, delivered: 2 }));
  });

  test.each([{ read: -1 }, { read: '1' }, { dropped: { 'a"b': 1 } }, { unknown: { crash: 0.5 } }, { dropped: 1 }])(
    'are refused: %j',
    (stored) => {
      expect(storedCounts.safeParse(stored).success).toBe(false);
    },
  );
});
