import { type Counts, copyCounts, countOutcome, noCounts, type Outcome, total } from '../../src/sdk.ts';
import type { Decision } from './decision.ts';

/**
 * The counts of one member that are stored with its position. They are kept apart from the account's, which run ahead: they
 * change by whole events only, and in the same turn as the position.
 */
export class Books {
  readonly #functions: readonly string[];
  readonly #counts: Map<string, Counts>;

  /** @param stored counts of functions that have left are kept */
  constructor(functions: readonly string[], stored: ReadonlyMap<string, Counts>) {
    this.#functions = functions;
    this.#counts = new Map([...stored].map(([name, counts]) => [name, copyCounts(counts)]));
    for (const name of functions) if (!this.#counts.has(name)) this.#counts.set(name, noCounts());
  }

  get all(): ReadonlyMap<string, Counts> {
    return this.#counts;
  }

  of(name: string): Counts {
    return this.#counts.get(name) ?? noCounts();
  }

  /** Each event that is decided on is one copy for every function. */
  decided({ claim, drop, filtered }: Decision): void {
    for (const name of this.#functions) {
      const own = this.of(name);
      own.read += claim.length + drop.length + filtered;
      own.claimed += claim.length;
      own.filtered += filtered;
      for (const { reason } of drop) own.droppedBeforeClaim[reason]++;
    }
  }

  /** One outcome for each function, in the order of the functions. */
  settled(outcomes: readonly Outcome[]): void {
    outcomes.forEach((outcome, i) => {
      const name = this.#functions[i];
      if (name !== undefined) countOutcome(this.of(name), outcome);
    });
  }
}

/** Copies that are claimed and have no outcome in what is stored. */
export const inDoubt = ({ claimed, delivered, rejected, unknown, dropped }: Counts): number =>
  claimed - delivered - rejected - total(unknown) - total(dropped);
