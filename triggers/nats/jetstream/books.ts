import { type Counts, copyCounts, countOutcome, type DroppedReason, noCounts, type Outcome } from '../../../src/sdk.ts';
import type { Delivered } from './api.ts';
import { NOTHING_TAKEN, runOf, type Taken, TakenDeliveries, type Untaken } from './taken.ts';

/**
 * What a member of a consumer has taken: how far, what of it is claimed and not settled, and the counts, by whole events.
 * The account's counts run ahead of these: there a copy counts when it has its outcome, here when all copies of its event
 * have theirs, for only then is the claim settled. Stored together, claims and counts never name one copy twice.
 */
export class Books {
  readonly counts: Map<string, Counts>;
  /** Deliveries that are in these books. */
  readonly taken: TakenDeliveries;
  readonly #functions: readonly string[];
  readonly #open = new Set<number>();
  #last: Delivered;

  /** @param counts of the predecessors; they go on here, as do their deliveries */
  constructor(
    functions: readonly string[],
    counts: ReadonlyMap<string, Counts>,
    last: Delivered,
    taken: Taken = NOTHING_TAKEN,
  ) {
    this.taken = new TakenDeliveries(taken);
    this.#functions = functions;
    this.counts = new Map([...counts].map(([name, each]) => [name, copyCounts(each)]));
    this.#last = last;
    for (const name of functions) if (!this.counts.has(name)) this.counts.set(name, noCounts());
  }

  /** The last delivery that is known. */
  get last(): Delivered {
    return this.#last;
  }

  /** Sequences that are claimed and not settled; ascending, as they came. */
  get open(): number[] {
    return [...this.#open];
  }

  get unsettled(): number {
    return this.#open.size;
  }

  /** A delivery came to us. */
  received(delivered: Delivered): void {
    this.taken.add(delivered);
    this.reached(delivered);
  }

  /** A delivery came, or is known to have gone elsewhere. A redelivery does not move the place in the stream back. */
  reached({ sequence, consumerSequence }: Delivered): void {
    this.#last = {
      sequence: Math.max(this.#last.sequence, sequence),
      consumerSequence: Math.max(this.#last.consumerSequence, consumerSequence),
    };
  }

  dropped(reason: DroppedReason): void {
    this.#each((counts) => {
      counts.read++;
      counts.droppedBeforeClaim[reason]++;
    });
  }

  claimed(sequence: number): void {
    this.#open.add(sequence);
    this.#each((counts) => {
      counts.read++;
      counts.claimed++;
    });
  }

  /** One outcome for each function. */
  settled(sequence: number, outcomes: readonly Outcome[]): void {
    if (!this.#open.delete(sequence)) return;
    for (const [i, outcome] of outcomes.entries()) {
      const counts = this.counts.get(this.#functions[i] ?? '');
      if (counts !== undefined) countOutcome(counts, outcome);
    }
  }

  /** Deliveries that came to nobody who can send them. */
  lost(deliveries: Untaken, outcome: Outcome): void {
    this.taken.addRun(runOf(deliveries));
    this.neverPassed(deliveries.count, outcome);
  }

  /** Events that came, and were not passed on. */
  neverPassed(events: number, outcome: Outcome): void {
    this.#each((counts) => {
      counts.read += events;
      counts.claimed += events;
      for (let i = 0; i < events; i++) countOutcome(counts, outcome);
    });
  }

  #each(change: (counts: Counts) => void): void {
    for (const name of this.#functions) {
      const counts = this.counts.get(name);
      if (counts !== undefined) change(counts);
    }
  }
}
