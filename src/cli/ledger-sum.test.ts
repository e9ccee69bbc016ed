import { expect, it } from 'vitest';
import { type Ledger, sumOf } from './ledger-sum.ts';

const row = (name: string, delivered: number, dropped: Record<string, number> = {}) => ({
  name,
  read: delivered,
  filtered: 0,
  claimed: delivered,
  delivered,
  rejected: 0,
  unknown: {},
  droppedBeforeClaim: {},
  dropped,
  inFlight: 0,
});
const gap = (from: number) => ({ from, to: from + 1, cause: 'disconnected' });
const ledger = (balanced: boolean, ...triggers: Ledger['triggers']): Ledger => ({ balanced, triggers });
const trigger = (name: string, gaps: ReturnType<typeof gap>[], ...functions: ReturnType<typeof row>[]) => ({
  kind: 'kafka',
  namespace: 'shop',
  name,
  gaps,
  functions,
});

it('what several have counted for a function is added up, and balanced when each of them is', () => {
  const one = ledger(true, trigger('pay', [gap(5)], row('bill', 3, { expired: 1 })), trigger('only', []));
  const other = ledger(true, trigger('pay', [gap(2)], row('mail', 1), row('bill', 4, { expired: 1, overflow: 2 })));
  const sum = sumOf([one, other]);
  expect(sum).toEqual(
    ledger(
      true,
      trigger('pay', [gap(2), gap(5)], row('bill', 7, { expired: 2, overflow: 2 }), row('mail', 1)),
      trigger('only', []),
    ),
  );
  expect(sumOf([one, { ...other, balanced: false }]).balanced).toBe(false);
});

it('of one it is what it said, also what this version does not know', () => {
  const only = { ...ledger(true), more: 1 };
  expect(sumOf([only])).toBe(only);
});
