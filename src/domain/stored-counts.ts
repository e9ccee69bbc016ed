import { z } from 'zod';
import { type Counts, noCounts } from './ledger.ts';

/** Counts by function. */
export type CountsByFunction = Readonly<Record<string, Counts>>;

const number = z.int().min(0);

/** How any reason is written, now and later. */
const REASON = /^[a-z][a-z0-9_]{0,63}$/;

/** A reason that a later version has stored is kept: without it the counts would not balance. */
const byReason = z.record(z.string().regex(REASON), number).default({});

/** Counts as they are stored with the claims: zeros may be left out. */
export const storedCounts = z
  .object({
    read: number.default(0),
    filtered: number.default(0),
    droppedBeforeClaim: byReason,
    claimed: number.default(0),
    delivered: number.default(0),
    rejected: number.default(0),
    unknown: byReason,
    dropped: byReason,
  })
  .transform((stored): Counts => {
    const none = noCounts();
    return {
      ...stored,
      droppedBeforeClaim: { ...none.droppedBeforeClaim, ...stored.droppedBeforeClaim },
      unknown: { ...none.unknown, ...stored.unknown },
      dropped: { ...none.dropped, ...stored.dropped },
    };
  });

/** What `storedCounts` reads. */
export function withoutZeros(counts: Readonly<Counts>): object {
  const shown: [string, number | object][] = [];
  for (const [name, value] of Object.entries<number | Readonly<Record<string, number>>>({ ...counts })) {
    if (typeof value === 'number') {
      if (value > 0) shown.push([name, value]);
      continue;
    }
    const occurred = Object.entries(value).filter(([, count]) => count > 0);
    if (occurred.length > 0) shown.push([name, Object.fromEntries(occurred)]);
  }
  return Object.fromEntries(shown);
}
