import { type Counts, type DroppedReason, droppedReasons, noCounts, unknownReasons, z } from '../../src/sdk.ts';

/** Counts by function. */
export type CountsByFunction = Readonly<Record<string, Counts>>;

const number = z.int().min(0);

/** Zeros are left out: a status is read by people. */
export const storedCounts = z.object({
  read: number.default(0),
  filtered: number.default(0),
  claimed: number.default(0),
  delivered: number.default(0),
  rejected: number.default(0),
  unknown: z.record(z.string(), number).default({}),
  droppedBeforeClaim: z.record(z.string(), number).default({}),
  dropped: z.record(z.string(), number).default({}),
});

export function withZeros(stored: z.infer<typeof storedCounts>): Counts {
  const none = noCounts();
  const pick = <K extends string>(
    reasons: readonly K[],
    from: Readonly<Record<string, number>>,
    to: Record<K, number>,
  ) => {
    for (const reason of reasons) to[reason] = from[reason] ?? 0;
    return to;
  };
  return {
    ...stored,
    unknown: pick(unknownReasons, stored.unknown, none.unknown),
    droppedBeforeClaim: pick(droppedReasons, stored.droppedBeforeClaim, none.droppedBeforeClaim),
    dropped: pick(droppedReasons, stored.dropped, none.dropped),
  };
}

export const withoutZeros = (counts: Counts): object =>
  Object.fromEntries(
    Object.entries(counts)
      .map(([name, value]) => [name, typeof value === 'number' ? value : occurred(value)] as const)
      .filter(([, value]) => (typeof value === 'number' ? value > 0 : Object.keys(value).length > 0)),
  );

const occurred = (byReason: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(byReason).filter(([, n]) => n > 0));

/** A tick that was claimed: its copy, before it has an outcome. */
export const oneClaimed = (): Counts => ({ ...noCounts(), read: 1, claimed: 1 });

/** So many ticks that were not claimed, and why. */
export function notClaimed(ticks: number, reason: DroppedReason): Counts {
  const counts = noCounts();
  counts.read = ticks;
  counts.droppedBeforeClaim[reason] = ticks;
  return counts;
}
