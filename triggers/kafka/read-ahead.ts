import type { Clock } from '../../src/sdk.ts';
import { type Batch, CHUNK } from './decision.ts';
import type { OwnedPartition } from './partition.ts';

/** What may wait in a partition before kafkajs is held up: a claim's worth, fewer of large events, and few fetches. */
const MOST_EVENTS = CHUNK;
const MOST_BYTES = 1_048_576;
/** Each event holds the whole answer that it came in, with the records of other partitions. */
const MOST_BATCHES = 8;
/** In all partitions together. */
const MOST_BYTES_IN_ALL = 10 * 1_048_576;

type Messages = Batch['messages'];

/** What waits in all partitions of a source. */
export interface Waiting {
  bytes: number;
}

/**
 * What was read of a partition and is not claimed yet: kafkajs reads on while a claim is on its way, so that the next one
 * takes along all that came meanwhile.
 *
 * kafkajs stands at the end of it. So whatever is thrown away has to be read again, and nothing that lies beyond may be
 * taken before: a batch is taken only where it begins at or before that end. That alone keeps an event from being passed
 * over, whoever threw it away and why.
 */
export class ReadAhead implements Batch {
  readonly partition: number;
  readonly #all: Waiting;
  #owned: OwnedPartition;
  #epoch: number;
  #messages: Messages = [];
  #bytes = 0;
  /** Where the batches that wait end among the messages. */
  #batches: number[] = [];
  #end: number;
  readonly #waiters = new Set<() => void>();

  constructor(owned: OwnedPartition, epoch: number, all: Waiting) {
    this.partition = owned.partition;
    this.#all = all;
    this.#owned = owned;
    this.#epoch = epoch;
    this.#end = owned.position;
  }

  get owned(): OwnedPartition {
    return this.#owned;
  }

  /** Of the membership under which all this was read. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Another array whenever something was taken or thrown away. */
  get messages(): Messages {
    return this.#messages;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** All before this offset waits here, is claimed, or holds nothing to be claimed. */
  get end(): number {
    return Math.max(this.#end, this.#owned.position);
  }

  get isFull(): boolean {
    const isTooMuch =
      this.#bytes > MOST_BYTES || this.#messages.length > MOST_EVENTS || this.#batches.length > MOST_BATCHES;
    return isTooMuch || (this.#all.bytes > MOST_BYTES_IN_ALL && !this.isEmpty);
  }

  /** A membership has begun: kafkajs begins at the stored position. */
  restart(owned: OwnedPartition, epoch: number): void {
    if (owned === this.#owned && epoch === this.#epoch) return;
    this.#owned = owned;
    this.#epoch = epoch;
    this.drop();
  }

  /**
   * @param from the offset that was asked for
   * @param until one more than the last offset that was looked at
   * @returns false: it does not begin where this ends, and nothing was taken of it
   */
  add(batch: Batch, from: number, until: number): boolean {
    const { end } = this;
    if (!this.passOver(from, until)) return false;
    let bytes = 0;
    for (const message of batch.messages) {
      if (from < end && Number(message.offset) < end) continue;
      this.#messages.push(message);
      bytes += sizeOf(message);
    }
    this.#weigh(bytes);
    this.#batches.push(this.#messages.length);
    return true;
  }

  /** Between these offsets there is nothing to be claimed. @returns as `add` */
  passOver(from: number, until: number): boolean {
    const { end } = this;
    if (from > end) return false;
    this.#end = Math.max(end, until);
    return true;
  }

  /** The first of these messages are decided on. */
  taken(messages: Messages, count: number): void {
    // Thrown away meanwhile.
    if (messages !== this.#messages) return;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += sizeOf(messages[i]);
    this.#weigh(-bytes);
    this.#messages = messages.slice(count);
    this.#batches = this.#batches.map((end) => end - count).filter((end) => end > 0);
    this.#wake();
  }

  /** Throws away what waits. */
  drop(): void {
    this.#weigh(-this.#bytes);
    this.#messages = [];
    this.#batches = [];
    this.#end = this.#owned.position;
    this.#wake();
  }

  /** Resolves when something was taken or thrown away, or after `ms`. */
  changed(clock: Clock, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#waiters.delete(wake);
        resolve();
      };
      const cancel = clock.after(ms, wake);
      this.#waiters.add(wake);
    });
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    this.#all.bytes += bytes;
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}

const sizeOf = (message: Messages[number] | undefined): number =>
  (message?.value?.length ?? 0) + (message?.key?.length ?? 0);
