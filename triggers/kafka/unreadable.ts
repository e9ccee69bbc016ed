import type { Cancel, Clock } from '../../src/sdk.ts';

const TRY_AGAIN_MS = 60_000;

export interface UnreadableOptions {
  readonly clock: Clock;
  /** Lets kafkajs ask for a partition again. */
  readonly resume: (partition: number) => void;
}

/**
 * Partitions that cannot be read on at their position, for their broker finds no batch there. kafkajs would fail all
 * partitions of that broker, and then the consumer. Here such a partition is left out, so that the others go on, and tried
 * again every minute: its replica may be repaired, or another one lead.
 */
export class UnreadablePartitions {
  readonly #options: UnreadableOptions;
  /** With what ends their waiting. */
  readonly #partitions = new Map<number, Cancel>();

  constructor(options: UnreadableOptions) {
    this.#options = options;
  }

  /** The partition was left out just now. */
  add(partition: number): void {
    const { clock, resume } = this.#options;
    this.#partitions.get(partition)?.();
    this.#partitions.set(
      partition,
      clock.after(TRY_AGAIN_MS, () => resume(partition)),
    );
  }

  /** Records of a partition came. True when it was the last one of those that could not be read. */
  healed(partition: number): boolean {
    return this.#partitions.delete(partition) && this.#partitions.size === 0;
  }

  /** All of them are tried again at once: with a new assignment. */
  restart(): void {
    for (const partition of this.#partitions.keys()) this.#options.resume(partition);
    this.close();
  }

  close(): void {
    for (const cancel of this.#partitions.values()) cancel();
    this.#partitions.clear();
  }
}
