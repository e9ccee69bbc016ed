import type { Counts, DroppedReason, Outcome } from '../../src/sdk.ts';
import { copyCounts, countOutcome, noCounts } from '../../src/sdk.ts';
import type { Predecessor } from './reader.ts';

/**
 * The counts that are stored with position and claims. They are kept apart from the account's, which run ahead: a copy
 * may be counted there while another copy of its event is in flight, and the claim of that event still stands. Stored
 * in that moment, the account's counts and the claims would name one copy twice after a crash. The books change
 * by whole events only, and in the same moment as what the group is told.
 */
export interface Books {
  /** Each event decided on is one copy for every function. */
  decided(claimed: number, dropped: readonly DroppedReason[]): void;
  /** One outcome for each function, in the order of the functions. */
  settled(outcomes: readonly Outcome[]): void;
  /** A predecessor's claim. */
  inDoubt(functionName: string, outcome: Outcome): void;
  all(): Iterable<readonly [string, Counts]>;
}

/** Books that go on where a predecessor's stopped; functions that have left keep their counts. */
export function openBooks(functions: readonly string[], predecessor: Predecessor): Books {
  const counts = new Map([...predecessor.counts].map(([name, stored]) => [name, copyCounts(stored)]));

  function of(name: string): Counts {
    const existing = counts.get(name);
    if (existing !== undefined) return existing;
    const fresh = noCounts();
    counts.set(name, fresh);
    return fresh;
  }

  function decided(name: string, claimed: number, dropped: readonly DroppedReason[]): void {
    const own = of(name);
    own.read += claimed + dropped.length;
    own.claimed += claimed;
    for (const reason of dropped) own.droppedBeforeClaim[reason]++;
  }

  for (const name of predecessor.functions) {
    const own = of(name);
    own.read += predecessor.lost;
    own.droppedBeforeClaim.offsets_lost += predecessor.lost;
  }
  for (const name of functions) of(name);

  return {
    decided(claimed, dropped) {
      for (const name of functions) decided(name, claimed, dropped);
    },
    settled(outcomes) {
      outcomes.forEach((outcome, i) => {
        const name = functions[i];
        if (name !== undefined) countOutcome(of(name), outcome);
      });
    },
    inDoubt: (name, outcome) => countOutcome(of(name), outcome),
    all: () => counts.entries(),
  };
}
