import { z } from 'zod';
import { type Counts, noCounts } from './ledger.ts';
import { droppedReasons, unknownReasons } from './outcome.ts';

/** Counts by function. */
export type CountsByFunction = Readonly<Record<string, Counts>>;

const number = z.int().min(0);

/** Counts as they stand in an object that people read: zeros are left out. */
export const storedCounts = z
  .object({
    read: number.default(0),
    filtered: number.default(0),
    claimed: number.default(0),
    delivered: number.default(0),
    rejected: number.default(0),
    unknown: z.record(z.string(), number).default({}),
    droppedBeforeClaim: z.record(z.string(), number).default({}),
    dropped: z.record(z.string(), number).default({}),
  })
  .transform(withZeros);

function withZeros(stored: Omit<Counts, ByReason> & Record<ByReason, Readonly<Record<string, number>>>): Counts {
  const none = noCounts();
  return {
    ...stored,
    unknown: picked(unknownReasons, stored.unknown, none.unknown),
    droppedBeforeClaim: picked(droppedReasons, stored.droppedBeforeClaim, none.droppedBeforeClaim),
    dropped: picked(droppedReasons, stored.dropped, none.dropped),
  };
}

type ByReason = 'unknown' | 'droppedBeforeClaim' | 'dropped';

function picked<K extends string>(
  reasons: readonly K[],
  from: Readonly<Record<string, number>>,
  to: Record<K, number>,
): Record<K, number> {
  for (const reason of reasons) to[reason] = from[reason] ?? 0;
  return to;
}

export const withoutZeros = (counts: Counts): object =>
  Object.fromEntries(
    Object.entries(counts)
      .map(([name, value]) => [name, typeof value === 'number' ? value : occurred(value)] as const)
      .filter(([, value]) => (typeof value === 'number' ? value > 0 : Object.keys(value).length > 0)),
  );

const occurred = (byReason: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(byReason).filter(([, n]) => n > 0));
