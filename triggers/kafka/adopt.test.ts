import { describe, expect, test } from 'vitest';
import { type Counts, countOutcome, isBalanced, noCounts } from '../../src/domain/ledger.ts';
import type { Outcome } from '../../src/sdk.ts';
import { type Adopted, adopt, type Remembered } from './adopt.ts';
import { encodeMetadata } from './metadata.ts';

type Some = Partial<Omit<Counts, 'unknown' | 'dropped' | 'droppedBeforeClaim'>> & {
  readonly timeout?: number;
  readonly expired?: number;
  readonly tooLarge?: number;
};

function counts({ timeout = 0, expired = 0, tooLarge = 0, ...some }: Some): Counts {
  const own = { ...noCounts(), ...some };
  own.unknown.timeout = timeout;
  own.dropped.expired = expired;
  own.droppedBeforeClaim.too_large = tooLarge;
  return own;
}

const stored = (by: string, open: readonly number[], all: Record<string, Some>): string =>
  encodeMetadata(
    { by, open, counts: new Map(Object.entries(all).map(([name, own]) => [name, counts(own)])) },
    (open.at(-1) ?? 0) + 1,
  );

const remembered = (by: string, position: number, all: Record<string, Some>): Remembered => ({
  by,
  position,
  functions: Object.keys(all),
  counts: new Map(Object.entries(all).map(([name, own]) => [name, counts(own)])),
});

const said = ({ doubtful }: Adopted): string[] =>
  doubtful.map(({ offset, functionName, outcome }) => `${functionName}@${offset} ${reasonOf(outcome)}`);
const reasonOf = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : outcome.type);

/** With the doubtful copies counted, as the owner does. */
function settled({ counts: all, doubtful }: Adopted): Map<string, Counts> {
  const copy = structuredClone(all);
  for (const { functionName, outcome } of doubtful) countOutcome(copy.get(functionName) ?? noCounts(), outcome);
  return copy;
}

function expectBalance(adopted: Adopted): void {
  for (const own of settled(adopted).values()) expect(isBalanced(own, 0)).toBe(true);
}

describe('of an owner that is gone', () => {
  test.each<[string, string | null]>([
    ['nothing', null],
    ['nothing by Kubeless', ''],
    ['what another program left', '{"by":"x"}'],
  ])('%s is adopted', (_, text) => {
    expect(adopt(text, ['f'], undefined)).toEqual({ counts: new Map(), doubtful: [] });
  });

  test('what is settled is adopted as it was stored', () => {
    const adopted = adopt(stored('a', [], { f: { read: 9, claimed: 8, tooLarge: 1, delivered: 8 } }), ['f'], undefined);
    expect(said(adopted)).toEqual([]);
    expect(adopted.counts.get('f')).toEqual(counts({ read: 9, claimed: 8, tooLarge: 1, delivered: 8 }));
  });

  test('what is unsettled is unknown(crash), by offset and function', () => {
    const own = { read: 5, claimed: 5, delivered: 2, timeout: 1 };
    const adopted = adopt(stored('a', [41, 43], { f: own, g: own }), ['f', 'g'], undefined);
    expect(said(adopted)).toEqual(['f@41 crash', 'f@43 crash', 'g@41 crash', 'g@43 crash']);
    expectBalance(adopted);
  });

  test('functions that are selected no more owe nothing, and keep their counts; new ones start with none', () => {
    const text = stored('a', [7], {
      gone: { read: 3, claimed: 3, delivered: 3 },
      f: { read: 2, claimed: 2, rejected: 1 },
    });
    const adopted = adopt(text, ['f', 'new'], undefined);
    expect(said(adopted)).toEqual(['f@7 crash']);
    expect([...adopted.counts.keys()]).toEqual(['gone', 'f']);
    expectBalance(adopted);
  });

  test('totals are adopted by the first function: all that the others owe is counted there', () => {
    const names = Array.from({ length: 60 }, (_, i) => `${'long-name-'.repeat(6)}${i}`);
    const own = { read: 4, claimed: 4, delivered: 2 };
    const adopted = adopt(stored('a', [8, 9], Object.fromEntries(names.map((name) => [name, own]))), names, undefined);
    expect(adopted.doubtful.length).toBe(120);
    expect(settled(adopted).get(names[0] ?? '')).toMatchObject({ claimed: 240, unknown: { crash: 120 } });
    expectBalance(adopted);
  });
});

describe('of an earlier source of this process', () => {
  test('outcomes that were not stored any more are remembered', () => {
    const text = stored('a', [3, 4], { f: { read: 5, claimed: 5, delivered: 3 } });
    const adopted = adopt(text, ['f'], remembered('a', 5, { f: { read: 5, claimed: 5, delivered: 4, timeout: 1 } }));
    expect(said(adopted)).toEqual([]);
    expect(adopted.counts.get('f')).toEqual(counts({ read: 5, claimed: 5, delivered: 4, timeout: 1 }));
  });

  test('a claim whose answer never came is dropped(claim_lost); nothing was passed of it', () => {
    const text = stored('a', [4, 5, 6], { f: { read: 8, claimed: 7, tooLarge: 1, delivered: 4 } });
    const before = { read: 5, claimed: 5, delivered: 5 };
    const adopted = adopt(text, ['f'], remembered('a', 5, { f: before }));
    expect(said(adopted)).toEqual(['f@5 claim_lost', 'f@6 claim_lost']);
    expect(settled(adopted).get('f')).toMatchObject({ read: 8, claimed: 7, delivered: 5, dropped: { claim_lost: 2 } });
    expectBalance(adopted);
  });

  test('the same where only totals are stored', () => {
    const names = Array.from({ length: 60 }, (_, i) => `${'long-name-'.repeat(6)}${i}`);
    const all = (own: Some) => Object.fromEntries(names.map((name) => [name, own]));
    const text = stored('a', [5, 6], all({ read: 8, claimed: 7, tooLarge: 1, delivered: 4 }));
    const adopted = adopt(text, names, remembered('a', 5, all({ read: 5, claimed: 5, delivered: 5 })));
    expect(adopted.doubtful.length).toBe(120);
    for (const name of names) {
      expect(settled(adopted).get(name)).toMatchObject({
        read: 8,
        claimed: 7,
        delivered: 5,
        dropped: { claim_lost: 2 },
      });
    }
    expectBalance(adopted);
  });

  test('what it remembers is not touched: it may be asked again', () => {
    const memory = remembered('a', 5, { f: { read: 5, claimed: 5, delivered: 5 } });
    const text = stored('a', [5], { f: { read: 6, claimed: 6, delivered: 5 } });
    const first = adopt(text, ['f'], memory);
    first.counts.get('f')?.unknown && Object.assign(first.counts.get('f')?.unknown ?? {}, { crash: 9 });
    expect(adopt(text, ['f'], memory).counts.get('f')).toEqual(counts({ read: 6, claimed: 6, delivered: 5 }));
  });

  test('another owner that came in between is believed, not the memory', () => {
    const text = stored('b', [7], { f: { read: 8, claimed: 8, delivered: 7 } });
    const adopted = adopt(text, ['f'], remembered('a', 5, { f: { read: 5, claimed: 5, delivered: 5 } }));
    expect(said(adopted)).toEqual(['f@7 crash']);
    expectBalance(adopted);
  });
});
