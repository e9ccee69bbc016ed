import { byDeadline, type Clock, type Deadline, type Passage } from '../../src/sdk.ts';

/** Events that were claimed together, and how many of them have no outcome yet. */
export interface Batch {
  /** The position before them. */
  readonly from: string;
  passage: Passage | undefined;
  left: number;
}

/** What one reader has claimed and what has no outcome yet, in the order of the claims. */
export class Outstanding {
  readonly #batches = new Set<Batch>();
  #onEmpty: () => void = () => {};

  /** Events. */
  get size(): number {
    return [...this.#batches].reduce((sum, { left }) => sum + left, 0);
  }

  /** The position before the first of them; undefined when there is none. */
  get from(): string | undefined {
    const [first] = this.#batches;
    return first?.from;
  }

  add(from: string, events: number): Batch {
    const batch: Batch = { from, passage: undefined, left: events };
    this.#batches.add(batch);
    return batch;
  }

  remove(batch: Batch): void {
    this.#batches.delete(batch);
    if (this.#batches.size === 0) this.#onEmpty();
  }

  /** One event has its outcome. */
  settle(batch: Batch): void {
    if (--batch.left === 0) this.remove(batch);
  }

  /** They are another owner's in the account from now on. */
  disown(): void {
    for (const { passage } of this.#batches) passage?.disown();
    this.#batches.clear();
    this.#onEmpty();
  }

  /** Resolves when nothing is left, or at the deadline. */
  async empty(clock: Clock, deadline: Deadline): Promise<void> {
    if (this.#batches.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    await byDeadline(clock, deadline, promise);
  }
}
