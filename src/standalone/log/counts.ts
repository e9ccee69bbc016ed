import { z } from 'zod';
import type { Counts } from '../../domain/ledger.ts';
import { noCounts } from '../../domain/ledger.ts';
import { droppedReasons, unknownReasons } from '../../domain/outcome.ts';

const count = z.int().min(0);
const byDroppedReason = z.partialRecord(z.enum(droppedReasons), count);

/** A reason that did not exist when the counts were stored is read as never having occurred. */
const storedCounts = z.object({
  read: count,
  filtered: count,
  droppedBeforeClaim: byDroppedReason,
  claimed: count,
  delivered: count,
  rejected: count,
  unknown: z.partialRecord(z.enum(unknownReasons), count),
  dropped: byDroppedReason,
});

/** Counts from the JSON that is stored. */
export function parseCounts(json: string): Counts {
  const stored = storedCounts.parse(JSON.parse(json));
  const zero = noCounts();
  return {
    ...zero,
    ...stored,
    droppedBeforeClaim: { ...zero.droppedBeforeClaim, ...stored.droppedBeforeClaim },
    unknown: { ...zero.unknown, ...stored.unknown },
    dropped: { ...zero.dropped, ...stored.dropped },
  };
}

export const parseNames = (json: string): string[] => z.array(z.string()).parse(JSON.parse(json));
