import type { Change } from './change.ts';
import { type Position, Standing, whole } from './position.ts';

/** A large object more would still fit. */
const NEARLY = 7 / 8;

/** Bytes that the backlogs of one process may hold together. */
export class Budget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isExceeded(): boolean {
    return this.#used > this.#limit;
  }

  get isNearlyUsed(): boolean {
    return this.#used > NEARLY * this.#limit;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }
}

export interface BacklogOptions {
  readonly most: { readonly changes: number; readonly bytes: number };
  readonly budget: Budget;
  /** The oldest change is about to be forgotten. */
  readonly onForget: (change: Change, place: number) => void;
}

/**
 * The last changes of a watch, in the order in which they came: triggers read them each at its own pace. Bounded: the oldest
 * is forgotten for a new one, whether everybody has read it or not.
 *
 * A place counts all changes since the backlog was made; places stay valid over `restart`.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  #changes: (Change | undefined)[] = [];
  /** Of those, how many in front are forgotten. */
  #forgotten = 0;
  /** Place of the first slot. */
  #first = 0;
  #bytes = 0;
  #head = new Standing(whole('0'));

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Everything up to here has been read. */
  get head(): Position {
    return this.#head.position;
  }

  /** The oldest place that is still held. */
  get start(): number {
    return this.#first + this.#forgotten;
  }

  /** Where the next change will stand. */
  get end(): number {
    return this.#first + this.#changes.length;
  }

  /** Not many more can be held without the oldest ones being forgotten. */
  get isNearlyFull(): boolean {
    const { most, budget } = this.#options;
    return this.end - this.start > NEARLY * most.changes || this.#bytes > NEARLY * most.bytes || budget.isNearlyUsed;
  }

  at(place: number): Change | undefined {
    return this.#changes[place - this.#first];
  }

  /** Answers whether it is new: a watch that was cut brings some of the last ones again. */
  append(change: Change): boolean {
    const { version, part } = this.head;
    if (version === change.facts.resourceVersion && part?.has(change.mark)) return false;
    this.#changes.push(change);
    this.#count(change.size);
    this.#head.pass(change);
    const { most, budget } = this.#options;
    while (
      this.end - this.start > most.changes ||
      (this.end - this.start > 1 && (this.#bytes > most.bytes || budget.isExceeded))
    ) {
      this.#forget();
    }
    return true;
  }

  /** Everything up to that version has been read, as far as the server goes. */
  moveTo(version: string): void {
    this.#head = new Standing(whole(version));
  }

  /** Forgets all without a word: what is read next comes after `head`. */
  restart(head: Position): void {
    this.#count(-this.#bytes);
    this.#first = this.end;
    this.#changes = [];
    this.#forgotten = 0;
    this.#head = new Standing(head);
  }

  #forget(): void {
    const change = this.#changes[this.#forgotten];
    if (change === undefined) return;
    this.#options.onForget(change, this.start);
    this.#changes[this.#forgotten++] = undefined;
    this.#count(-change.size);
    // Not one by one: V8 would move all that is behind each time.
    if (this.#forgotten < 1024 || this.#forgotten * 2 < this.#changes.length) return;
    this.#changes = this.#changes.slice(this.#forgotten);
    this.#first += this.#forgotten;
    this.#forgotten = 0;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.budget.add(bytes);
  }
}
