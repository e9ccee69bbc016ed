import type { Clock, Gate, Progress } from '../../src/sdk.ts';
import type { FetchedBatch } from './membership.ts';
import type { OwnedPartition } from './partition.ts';

interface Part {
  end: number | undefined;
  /** When it was last heard of the end. */
  toldAt: number;
  movedAt: number;
  /** Markers of transactions and records that were compacted away are passed over without a claim. */
  passedOver: number;
}

export interface ProgressOptions {
  readonly topic: string;
  readonly clock: Clock;
  readonly paused: boolean;
  /** Milliseconds that a change of the group may take, with calls that end before it. */
  readonly rebalance: number;
  readonly owned: () => Iterable<OwnedPartition>;
}

/**
 * How far a source is: from the ends that fetches tell, or, where nothing is fetched, those that somebody else has asked
 * for.
 *
 * It is held when the trigger is paused, while a claim waits for room (all partitions wait at one gate), while a
 * window is full, and during a rebalance; not for ever, since joining again and again is one of the ways to stand still.
 */
export class KafkaProgress {
  readonly #options: ProgressOptions;
  readonly #parts = new Map<number, Part>();
  #lost: ReadonlySet<number> = new Set();
  #rebalances = -1;
  #waiting = 0;
  /** When the group began to change; ends with the first partition that moves again. */
  #changingSince: number | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** The membership is about to end. */
  leaving(): void {
    this.#changingSince ??= this.#now();
  }

  /** Partitions are ours, and what was known of others is forgotten. @param lost those whose position is gone */
  joined(lost: Iterable<number>): void {
    this.#rebalances++;
    this.#lost = new Set(lost);
    const ours = new Set([...this.#options.owned()].map(({ partition }) => partition));
    for (const partition of this.#parts.keys()) if (!ours.has(partition)) this.#parts.delete(partition);
    for (const partition of ours) this.#of(partition);
  }

  fetched({ partition, end }: Pick<FetchedBatch, 'partition' | 'end'>): void {
    this.#tell(this.#of(partition), end);
  }

  /** All before this offset is claimed, or holds nothing to be claimed. */
  reached(partition: number, offset: number): void {
    const part = this.#of(partition);
    part.passedOver = offset;
    this.#moved(part);
  }

  claimed(partition: number): void {
    this.#moved(this.#of(partition));
  }

  /** Ends that were asked for, by partition. */
  told(ends: ReadonlyMap<number, number>): void {
    for (const [partition, part] of this.#parts) {
      const end = ends.get(partition);
      if (end !== undefined) this.#tell(part, end);
    }
  }

  /** Whether the end of each partition is known as it was at that time. */
  isToldSince(time: number): boolean {
    return [...this.#parts.values()].every(({ toldAt }) => toldAt >= time);
  }

  /** The gate, seen by those who read: whoever waits there is held. */
  watched(gate: Gate): Gate {
    return {
      tryReserve: (wanted) => gate.tryReserve(wanted),
      reserve: async (wanted, until) => {
        this.#waiting++;
        try {
          return await gate.reserve(wanted, until);
        } finally {
          this.#waiting--;
        }
      },
    };
  }

  progress(): Progress {
    const { topic } = this.#options;
    const owned = [...this.#options.owned()];
    const parts = owned.map((one) => {
      const lag = this.#lagOf(one);
      return { name: `${topic}/${one.partition}`, lag, unsettled: one.inDoubt };
    });
    const known = owned.map((one, i) => ({ lag: parts[i]?.lag ?? 0, movedAt: this.#of(one.partition).movedAt }));
    const lagging = known.filter(({ lag }) => lag > 0).map(({ movedAt }) => movedAt);
    const movedAt = lagging.length > 0 ? Math.min(...lagging) : Math.max(...known.map((each) => each.movedAt));
    return {
      parts,
      // A member without partitions has nothing to claim, and sees it now.
      movedAt: known.length === 0 ? this.#now() : movedAt,
      held: this.#isHeld(owned),
      rebalances: Math.max(0, this.#rebalances),
    };
  }

  #lagOf({ partition, position }: OwnedPartition): number | undefined {
    const { end, passedOver } = this.#of(partition);
    // How far a position is behind that nobody has any more, nobody can say.
    if (end === undefined || this.#lost.has(partition)) return undefined;
    return Math.max(0, end - Math.max(position, passedOver));
  }

  #isHeld(owned: readonly OwnedPartition[]): boolean {
    const { paused, rebalance } = this.#options;
    const isChanging = this.#changingSince !== undefined && this.#now() - this.#changingSince < rebalance;
    return paused || isChanging || this.#waiting > 0 || owned.some(({ isFull }) => isFull);
  }

  #tell(part: Part, end: number): void {
    part.end = end;
    part.toldAt = this.#now();
  }

  #moved(part: Part): void {
    part.movedAt = this.#now();
    this.#changingSince = undefined;
  }

  #of(partition: number): Part {
    let part = this.#parts.get(partition);
    if (part === undefined) {
      part = { end: undefined, toldAt: Number.NEGATIVE_INFINITY, movedAt: this.#now(), passedOver: 0 };
      this.#parts.set(partition, part);
    }
    return part;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
