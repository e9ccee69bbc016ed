import { addCounts, type Counts, droppedReasons, noCounts, type Outcome, total } from '../../src/sdk.ts';
import { decodeMetadata, type Metadata, sumCounts } from './metadata.ts';

/** What a source that was closed in this process knows of a partition; its last commit may be in doubt. */
export interface Remembered {
  readonly by: string;
  /** Those that it claimed for. */
  readonly functions: readonly string[];
  /** As far as its claims were confirmed. */
  readonly position: number;
  /** With all outcomes, also those that were not stored. */
  readonly counts: ReadonlyMap<string, Counts>;
}

/** A copy that somebody claimed and whose outcome is not stored. */
export interface Doubtful {
  readonly offset: number;
  readonly functionName: string;
  readonly outcome: Outcome;
}

export interface Adopted {
  /** As stored, or as remembered: without the doubtful copies, which have yet to be counted. */
  readonly counts: Map<string, Counts>;
  readonly doubtful: readonly Doubtful[];
}

const CRASHED: Outcome = { type: 'unknown', reason: 'crash', ms: 0 };
const CLAIM_LOST: Outcome = { type: 'dropped', reason: 'claim_lost' };

/**
 * Takes over what is stored with a position.
 *
 * Usually its owner is gone: what it claimed and never settled is `unknown(crash)`, for no one can say whether it was sent.
 *
 * If the owner was an earlier source of this process, the outcomes of what it passed are remembered. What is stored beyond
 * its last confirmed position is a claim whose answer never came: it was not passed, so its events are
 * `dropped(claim_lost)`.
 */
export function adopt(text: string | null, functions: readonly string[], remembered: Remembered | undefined): Adopted {
  const metadata = decodeMetadata(text, functions);
  // Gone with its topic, or with the offsets of its group.
  if (metadata === undefined) return { counts: structuredClone(new Map(remembered?.counts)), doubtful: [] };
  if (remembered?.by !== metadata.by) {
    const counts = new Map([...metadata.counts].map(([name, own]) => [name, structuredClone(own)]));
    return { counts, doubtful: doubtful(metadata, counts, CRASHED) };
  }
  const counts = withLastClaim(remembered, metadata);
  const lost = metadata.open.filter((offset) => offset >= remembered.position);
  return { counts, doubtful: doubtful({ ...metadata, open: lost }, counts, CLAIM_LOST) };
}

/**
 * What is remembered, and what the last claim added: the same for each function, so that it can be told also where only
 * totals are stored.
 */
function withLastClaim({ counts, functions }: Remembered, stored: Metadata): Map<string, Counts> {
  const added = sumCounts(stored.counts.values());
  for (const own of counts.values()) addCounts(added, own, -1);
  const all = new Map([...counts].map(([name, own]) => [name, structuredClone(own)]));
  for (const name of functions) {
    const own = all.get(name) ?? noCounts();
    own.read += added.read / functions.length;
    own.filtered += added.filtered / functions.length;
    own.claimed += added.claimed / functions.length;
    for (const reason of droppedReasons)
      own.droppedBeforeClaim[reason] += added.droppedBeforeClaim[reason] / functions.length;
    all.set(name, own);
  }
  return all;
}

/**
 * Each function owes an outcome for what it has claimed beyond its outcomes; they are those of the open offsets. (Where
 * the counts of many functions were stored as one total, one function owes for all: then an offset comes up repeatedly.)
 */
function doubtful({ open }: Metadata, counts: ReadonlyMap<string, Counts>, outcome: Outcome): Doubtful[] {
  if (open.length === 0) return [];
  return [...counts].flatMap(([functionName, own]) =>
    Array.from({ length: owed(own) }, (_, i) => ({ offset: open[i % open.length] ?? 0, functionName, outcome })),
  );
}

const owed = ({ claimed, delivered, rejected, unknown, dropped }: Counts): number =>
  Math.max(0, claimed - delivered - rejected - total(unknown) - total(dropped));
