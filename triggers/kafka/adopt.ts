import { type Counts, noCounts, type Outcome, total } from '../../src/sdk.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';

/** What a source that was closed in this process knows of a partition; its last commit may be in doubt. */
export interface Remembered {
  readonly by: string;
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
  if (metadata === undefined) return { counts: new Map(), doubtful: [] };
  if (remembered?.by !== metadata.by) {
    const counts = new Map([...metadata.counts].map(([name, own]) => [name, structuredClone(own)]));
    return { counts, doubtful: doubtful(metadata, counts, CRASHED) };
  }
  const counts = new Map(
    [...metadata.counts].map(([name, own]) => [name, withOutcomes(own, remembered.counts.get(name))]),
  );
  const lost = metadata.open.filter((offset) => offset >= remembered.position);
  return { counts, doubtful: doubtful({ ...metadata, open: lost }, counts, CLAIM_LOST) };
}

/** What was read and claimed as stored, with the outcomes that are remembered. */
function withOutcomes(stored: Counts, remembered: Counts = noCounts()): Counts {
  const { delivered, rejected, unknown, dropped } = remembered;
  return { ...structuredClone(stored), delivered, rejected, unknown: { ...unknown }, dropped: { ...dropped } };
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
