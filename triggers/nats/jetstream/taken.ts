import { z } from '../../../src/sdk.ts';
import type { Delivered } from './api.ts';
import type { Missing } from './naming.ts';

/*
 * Which deliveries are accounted for, by their numbers. A consumer numbers its deliveries without a gap, whoever gets them.
 * So of several members that share one, each knows which are its own, and what all of them leave out came to somebody who
 * cannot tell any more.
 */

/** Deliveries with numbers in a row: the first number, how many, and the places in the stream of the first and the last. */
export type Run = readonly [first: number, count: number, from: number, through: number];

/** All deliveries of a member behind `since`. Those up to it are its own or not: it knows that no more. */
export interface Taken {
  readonly since: Delivered;
  /** Ascending. */
  readonly runs: readonly Run[];
}

const number = z.int().min(0);
export const takenSchema = z.object({
  since: z.object({ consumerSequence: number, sequence: number }),
  runs: z.array(z.tuple([number, number, number, number])),
});

export const NOTHING_TAKEN: Taken = { since: { consumerSequence: 0, sequence: 0 }, runs: [] };

/** So many runs are remembered: fewer than a megabyte, which is what a message may have. */
const MOST_RUNS = 10_000;

export class TakenDeliveries {
  #since: Delivered;
  #runs: Run[];

  constructor({ since, runs }: Taken) {
    this.#since = since;
    this.#runs = [...runs];
  }

  add({ consumerSequence, sequence }: Delivered): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && last[0] + last[1] === consumerSequence)
      this.#runs[this.#runs.length - 1] = [last[0], last[1] + 1, last[2], sequence];
    else this.addRun([consumerSequence, 1, sequence, sequence]);
  }

  addRun(run: Run): void {
    const at = this.#runs.findLastIndex(([first]) => first < run[0]) + 1;
    this.#runs.splice(at, 0, run);
    if (this.#runs.length <= MOST_RUNS) return;
    const { since, runs } = latest(this.all, MOST_RUNS >> 1);
    this.#since = since;
    this.#runs = [...runs];
  }

  get all(): Taken {
    return { since: this.#since, runs: this.#runs };
  }

  /** What there is between two deliveries. */
  between(from: number, through: number): Taken {
    const runs = this.#runs.filter(([first, count]) => first + count > from && first <= through);
    return { since: this.#since, runs };
  }
}

/** No more than so many of the runs. */
export function latest({ since, runs }: Taken, most: number): Taken {
  if (runs.length <= most) return { since, runs };
  const last = runs.at(-most - 1);
  const end = last && { consumerSequence: endOf(last), sequence: last[3] };
  return { since: end ?? since, runs: runs.slice(-most) };
}

/** What several have, as if one had it. */
export const together = (all: readonly Taken[]): Taken => ({
  since: farthest(all.map(({ since }) => since)),
  runs: ascending(all.flatMap(({ runs }) => runs)),
});

/** Deliveries that nobody has. */
export interface Untaken extends Missing {
  /** The number of the first one. */
  readonly first: number;
}

/** What is in none of the runs, behind one delivery and up to another. */
export function untaken(from: Delivered, through: Delivered, runs: readonly Run[]): Untaken[] {
  const found: Untaken[] = [];
  let { consumerSequence: known, sequence: after } = from;
  const reach = (first: number, place: number) => {
    const count = Math.min(first, through.consumerSequence + 1) - known - 1;
    if (count > 0) found.push({ first: known + 1, count, after, through: Math.min(place, through.sequence) });
  };
  for (const run of ascending(runs)) {
    const [first, , begins, ends] = run;
    reach(first, begins - 1);
    if (endOf(run) <= known) continue;
    known = endOf(run);
    after = Math.max(after, ends);
  }
  reach(through.consumerSequence + 1, through.sequence);
  return found;
}

export const runOf = ({ first, count, after, through }: Untaken): Run => [first, count, after + 1, through];

const farthest = (all: readonly Delivered[]): Delivered =>
  all.reduce((a, b) => (b.consumerSequence > a.consumerSequence ? b : a), NOTHING_TAKEN.since);

const endOf = ([first, count]: Run): number => first + count - 1;
const ascending = (runs: readonly Run[]): Run[] => runs.toSorted((a, b) => a[0] - b[0]);
