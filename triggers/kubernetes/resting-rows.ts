import { addCounts, type Clock, type Counts, copyCounts, noCounts } from '../../src/sdk.ts';
import { inDoubt } from './books.ts';
import type { MemberRow, WatchRecord } from './checkpoint.ts';

export interface RestingOptions {
  /** Members that have left, of which more is kept than a sum. */
  readonly most: number;
  /** Milliseconds for which each is kept, also when there are more. */
  readonly keepMs: number;
  readonly clock: Clock;
}

interface Resting {
  readonly row: MemberRow;
  /** Monotonic. */
  readonly since: number;
}

/**
 * The rows of members that read nothing: paused ones, and those that have left and may come back to their position. A
 * trigger whose functions change their names leaves more and more of them: those that left first lose their row, and their
 * counts go into one sum.
 */
export class RestingRows {
  readonly #options: RestingOptions;
  /** In the order in which they left. */
  readonly #rows = new Map<string, Resting>();
  #left: Counts | undefined;

  constructor({ members, left }: Pick<WatchRecord, 'members' | 'left'>, options: RestingOptions) {
    this.#options = options;
    this.#left = left;
    const inOrder = [...members].sort(([, a], [, b]) => (a.since ?? 0) - (b.since ?? 0));
    for (const [key, row] of inOrder) this.set(key, row);
  }

  get left(): Counts | undefined {
    return this.#left;
  }

  get(key: string): MemberRow | undefined {
    return this.#rows.get(key)?.row;
  }

  keys(): Iterable<string> {
    return this.#rows.keys();
  }

  all(): [string, MemberRow][] {
    return [...this.#rows].map(([key, { row }]) => [key, row]);
  }

  set(key: string, row: MemberRow): void {
    this.#rows.delete(key);
    this.#rows.set(key, { row, since: this.#options.clock.monotonic() });
  }

  delete(key: string): void {
    this.#rows.delete(key);
  }

  /**
   * Forgets those of too many that left first, but for their counts.
   * @param isPaused members that are there, and only read nothing
   */
  fold(isPaused: (key: string) => boolean, most = this.#options.most): void {
    const { clock, keepMs } = this.#options;
    const gone = [...this.#rows].filter(([key]) => !isPaused(key));
    for (const [key, { row, since }] of gone.slice(0, Math.max(0, gone.length - most))) {
      if (clock.monotonic() - since < keepMs) return;
      this.#rows.delete(key);
      for (const counts of row.functions.values()) this.#add(counts);
    }
  }

  /** The same for a row of many functions: of those that have left so many counts are kept. */
  withoutLeft(row: MemberRow, functions: readonly string[]): MemberRow {
    const gone = [...row.functions].filter(([name]) => !functions.includes(name));
    const folded = gone.slice(0, Math.max(0, gone.length - this.#options.most));
    if (folded.length === 0) return row;
    const kept = new Map(row.functions);
    for (const [name, counts] of folded) {
      kept.delete(name);
      this.#add(counts);
    }
    return { ...row, functions: kept };
  }

  /** Nobody will say any more what became of what has no outcome. */
  #add(counts: Counts): void {
    const sum = this.#left === undefined ? noCounts() : copyCounts(this.#left);
    addCounts(sum, counts, 1);
    sum.unknown.crash += inDoubt(counts);
    this.#left = sum;
  }
}
