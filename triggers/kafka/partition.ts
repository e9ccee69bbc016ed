import {
  type Clock,
  type Counts,
  copyCounts,
  countOutcome,
  type DroppedReason,
  noCounts,
  type Outcome,
  type Passage,
} from '../../src/sdk.ts';
import type { Stored } from './claim.ts';
import { encodeMetadata, type Metadata } from './metadata.ts';
import { Wakeups } from './wakeups.ts';
import { OffsetWindow } from './window.ts';

/** Events of a partition that are decided on together. */
export interface Taking {
  /** Offsets that will be claimed, ascending. */
  readonly offsets: readonly number[];
  /** Why others among them are not. */
  readonly dropped: readonly DroppedReason[];
  /** One more than the last of them. */
  readonly position: number;
}

/** Events that were passed together and are not all settled. */
export interface Chunk {
  passage: Passage | undefined;
  left: number;
}

/**
 * A partition that is ours: its position, what is claimed and not settled, and its counts, which are stored with every
 * commit. They are counts of whole events: a claimed event is counted at once, its outcomes when all copies have one.
 */
export class OwnedPartition {
  readonly partition: number;
  /** The counts of each function, also of those that a shared trigger no longer selects. */
  readonly counts: Map<string, Counts>;
  readonly #window: OffsetWindow;
  readonly #by: string;
  readonly #functions: readonly string[];
  readonly #chunks = new Set<Chunk>();
  #isOurs = true;
  #isDirty = false;
  /** Settled, and no commit that was accepted says so. */
  #unrecorded = 0;
  /** Of these, what the commit says that is on its way. */
  #recording = 0;
  readonly #waiting = new Wakeups();
  #isFull = false;
  readonly #onSettled: () => void;

  /** @param onSettled called whenever something was settled */
  constructor(
    partition: number,
    position: number,
    by: string,
    functions: readonly string[],
    counts: Map<string, Counts>,
    onSettled: () => void,
  ) {
    this.#onSettled = onSettled;
    this.partition = partition;
    this.counts = counts;
    this.#window = new OffsetWindow(position);
    this.#by = by;
    this.#functions = functions;
    for (const name of functions) if (!counts.has(name)) counts.set(name, noCounts());
  }

  get position(): number {
    return this.#window.position;
  }

  /** Claimed and not settled. */
  get unsettled(): number {
    return this.#window.size;
  }

  /** Claimed, and without a record that they are settled: what a crash would leave in doubt. */
  get inDoubt(): number {
    return this.#window.size + this.#unrecorded;
  }

  /** Somebody has waited for something to be settled, and nothing was since. */
  get isFull(): boolean {
    return this.#isFull && this.#window.size > 0;
  }

  /** False once another owner has it. */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /** Something was settled or counted that is not stored yet. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Resolves when something is settled next, or after `ms`. */
  advanced(clock: Clock, ms: number): Promise<void> {
    this.#isFull = true;
    return this.#waiting.wait(clock, ms);
  }

  /** The highest position that a claim which begins at `first` may reach: the window is bounded. */
  limit(first: number): number {
    return this.#window.limit(first);
  }

  /** What a commit says now. */
  stored(): Stored {
    this.#sending();
    return { offset: this.position, metadata: this.#encode([...this.#window.unsettled()], this.counts, this.position) };
  }

  /** What a commit says that makes this claim. Nothing is changed until `claimed`. */
  storedWith(taking: Taking): Stored {
    this.#sending();
    const counts = new Map(this.counts);
    for (const name of this.#functions) counts.set(name, this.#countsWith(name, taking));
    const open = [...this.#window.unsettled(), ...taking.offsets];
    return { offset: taking.position, metadata: this.#encode(open, counts, taking.position) };
  }

  /** So many are stored as unsettled by whoever had it before, and have their outcome now. */
  adopted(open: number): void {
    if (open === 0) return;
    this.#unrecorded += open;
    this.#isDirty = true;
  }

  /** The commit that was made last is accepted. */
  recorded(): void {
    this.#unrecorded -= this.#recording;
    this.#recording = 0;
  }

  /** A commit was not accepted: what it said is still to be stored. */
  markDirty(): void {
    this.#isDirty = true;
  }

  /** The claim stands. */
  claimed(taking: Taking): Chunk {
    this.recorded();
    for (const name of this.#functions) this.counts.set(name, this.#countsWith(name, taking));
    this.#window.claim(taking.offsets, taking.position);
    const chunk: Chunk = { passage: undefined, left: taking.offsets.length };
    if (chunk.left > 0) this.#chunks.add(chunk);
    return chunk;
  }

  /** All copies of a claimed event have their outcome: one for each function. */
  settled(offset: number, outcomes: readonly Outcome[], chunk: Chunk): void {
    if (--chunk.left === 0) this.#chunks.delete(chunk);
    if (!this.#isOurs || !this.#window.settle(offset)) return;
    this.#unrecorded++;
    for (let i = 0; i < outcomes.length; i++) {
      const outcome = outcomes[i];
      if (outcome === undefined) throw new Error('an event was settled without an outcome for each function');
      this.count(this.#functions[i] ?? '', outcome);
    }
    this.#isFull = false;
    if (!this.#waiting.isEmpty) this.#waiting.wake();
    this.#onSettled();
  }

  /** Events that the position was moved over, which nobody has read. */
  lost(events: number, reason: DroppedReason): void {
    for (const name of this.#functions) {
      const counts = this.counts.get(name) ?? noCounts();
      counts.read += events;
      counts.droppedBeforeClaim[reason] += events;
    }
    this.#isDirty = true;
  }

  count(functionName: string, outcome: Outcome): void {
    const counts = this.counts.get(functionName);
    if (counts !== undefined) countOutcome(counts, outcome);
    this.#isDirty = true;
  }

  /** Another owner has it: what is still in flight is in its account. */
  lose(): void {
    this.#isOurs = false;
    for (const chunk of this.#chunks) chunk.passage?.disown();
    this.#chunks.clear();
  }

  #sending(): void {
    this.#isDirty = false;
    this.#recording = this.#unrecorded;
  }

  #countsWith(name: string, { offsets, dropped }: Taking): Counts {
    const counts = copyCounts(this.counts.get(name) ?? noCounts());
    counts.read += offsets.length + dropped.length;
    counts.claimed += offsets.length;
    for (const reason of dropped) counts.droppedBeforeClaim[reason]++;
    return counts;
  }

  #encode(open: readonly number[], counts: Map<string, Counts>, position: number): string {
    const metadata: Metadata = { by: this.#by, open, counts };
    return encodeMetadata(metadata, position);
  }
}
