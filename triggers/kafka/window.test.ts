import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OffsetWindow, WINDOW } from './window.ts';

/** The same, as one would write it without caring for speed. */
class Model {
  position: number;
  readonly open = new Set<number>();

  constructor(position: number) {
    this.position = position;
  }

  get unsettled(): number[] {
    return [...this.open].sort((a, b) => a - b);
  }

  get lowest(): number {
    return this.unsettled[0] ?? this.position;
  }
}

type Step =
  /** Offsets are `gap` apart from each other; the position ends `after` behind the last of them. */
  | { readonly type: 'claim'; readonly gaps: readonly number[]; readonly after: number }
  /** Settles the one at that share of the unsettled ones. */
  | { readonly type: 'settle'; readonly at: number }
  | { readonly type: 'settleAll' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('claim' as const),
      gaps: fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 1_500 })), { maxLength: 80 }),
      after: fc.integer({ min: 0, max: 40 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('settle' as const), at: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'settleAll' as const }) },
);

const start = fc.constantFrom(0, 1, 31, WINDOW - 1, 2 ** 31 - 7, 2 ** 32 - 5, 2 ** 40 + 33, 2 ** 52);

/** As a reader claims: never behind the limit. */
function claim(window: OffsetWindow, model: Model, { gaps, after }: Extract<Step, { type: 'claim' }>): void {
  let next = model.position - 1;
  const wanted = gaps.map((gap) => (next += gap));
  const limit = window.limit(wanted[0] ?? model.position);
  const offsets = wanted.filter((offset) => offset < limit);
  const position = Math.min(limit, (offsets.at(-1) ?? model.position - 1) + 1 + after);
  window.claim(offsets, position);
  for (const offset of offsets) model.open.add(offset);
  model.position = position;
}

function settle(window: OffsetWindow, model: Model, offset: number): void {
  expect(window.settle(offset)).toBe(true);
  expect(window.settle(offset)).toBe(false);
  model.open.delete(offset);
}

function expectSame(window: OffsetWindow, model: Model): void {
  const { unsettled, lowest, position } = model;
  expect([...window.unsettled()]).toEqual(unsettled);
  expect({ size: window.size, lowest: window.lowest, position: window.position }).toEqual({
    size: unsettled.length,
    lowest,
    position,
  });
  expect(position - lowest).toBeLessThanOrEqual(WINDOW);
}

test('a window knows what a set of offsets knows, wherever the offsets lie', () => {
  fc.assert(
    fc.property(start, fc.array(step, { maxLength: 60 }), (first, steps) => {
      const window = new OffsetWindow(first);
      const model = new Model(first);
      for (const one of steps) {
        const open = model.unsettled;
        if (one.type === 'claim') claim(window, model, one);
        else if (one.type === 'settleAll') for (const offset of open) settle(window, model, offset);
        else if (open.length > 0) settle(window, model, open[Math.floor(one.at * open.length)] ?? 0);
        expectSame(window, model);
      }
    }),
    { numRuns: 200 },
  );
});

describe('a window', () => {
  test('does not know what lies outside of it, though it shares a bit', () => {
    const window = new OffsetWindow(10);
    window.claim([10, 11], 12);
    for (const offset of [10 + WINDOW, 10 - WINDOW, 12, 9]) expect(window.has(offset)).toBe(false);
    expect(window.settle(10 + WINDOW)).toBe(false);
    expect(window.size).toBe(2);
  });

  test('allows as many offsets as it has bits, counted from the lowest unsettled one', () => {
    const window = new OffsetWindow(0);
    expect(window.limit(5_000)).toBe(5_000 + WINDOW);
    window.claim([100, 101], 102);
    expect(window.limit(102)).toBe(100 + WINDOW);
    window.settle(100);
    expect(window.limit(102)).toBe(101 + WINDOW);
    window.settle(101);
    expect(window.limit(102)).toBe(102 + WINDOW);
  });

  test('can be full to the last bit, and empty again', () => {
    const window = new OffsetWindow(7);
    const all = Array.from({ length: WINDOW }, (_, i) => 7 + i);
    window.claim(all, 7 + WINDOW);
    expect(window.limit(7 + WINDOW)).toBe(window.position);
    for (const offset of all.toReversed()) expect(window.settle(offset)).toBe(true);
    expect([window.size, window.lowest]).toEqual([0, 7 + WINDOW]);
  });

  test('moves its position over offsets that are not claimed', () => {
    const window = new OffsetWindow(0);
    window.claim([], 50);
    expect([window.position, window.lowest, window.size]).toEqual([50, 50, 0]);
  });
});
