import { type Counts, type DroppedReason, noCounts } from '../../src/sdk.ts';

export type { CountsByFunction } from '../../src/sdk.ts';

/** A tick that was claimed: its copy, before it has an outcome. */
export const oneClaimed = (): Counts => ({ ...noCounts(), read: 1, claimed: 1 });

/** So many ticks that were not claimed, and why. */
export function notClaimed(ticks: number, reason: DroppedReason): Counts {
  const counts = noCounts();
  counts.read = ticks;
  counts.droppedBeforeClaim[reason] = ticks;
  return counts;
}
