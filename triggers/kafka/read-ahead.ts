import { type Batch, CHUNK } from './decision.ts';
import type { OwnedPartition } from './partition.ts';
import { Wakeups } from './wakeups.ts';

/** What may wait in a partition before its handler is held up: a claim's worth, fewer of large events, and few batches. */
const MOST_EVENTS = CHUNK;
const MOST_BYTES = 1_048_576;
/** Each event keeps the whole fetch answer in memory that it came in, with the records of other partitions. */
const MOST_BATCHES = 8;
/** Of events, in all partitions of a source. */
const MOST_BYTES_IN_ALL = 10 * 1_048_576;

type Messages = Batch['messages'];

/** What waits in all partitions of a source, and those who wait for it to become less. */
export class Waiting {
  /** Woken when something was taken or thrown away. */
  readonly less = new Wakeups();
  bytes = 0;
}

/**
 * What was read of a partition and is not claimed yet: kafkajs reads on while a claim is on its way, so that the next one
 * takes along all that came meanwhile.
 *
 * kafkajs stands at the end of it. So whatever is thrown away has to be read again, and nothing that lies beyond may be
 * taken before: a batch is taken only where it begins at or before that end. That alone keeps an event from being passed
 * over, whoever threw it away and why.
 */
export class ReadAhead {
  readonly #all: Waiting;
  #owned: OwnedPartition;
  #epoch: number;
  /** None is empty; of the first one, so many are taken. */
  #batches: Messages[] = [];
  #taken = 0;
  #size = 0;
  #bytes = 0;
  /** Those that are being decided on. */
  #first: Messages | undefined;
  #end: number;

  constructor(owned: OwnedPartition, epoch: number, all: Waiting) {
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

  /** How many messages wait. */
  get size(): number {
    return this.#size;
  }

  /** All before this offset waits here, is claimed, or holds nothing to be claimed. */
  get end(): number {
    return Math.max(this.#end, this.#owned.position);
  }

  get isFull(): boolean {
    if (this.#size === 0) return false;
    const isTooMuch = this.#size > MOST_EVENTS || this.#bytes > MOST_BYTES || this.#batches.length > MOST_BATCHES;
    return isTooMuch || this.#all.bytes > MOST_BYTES_IN_ALL;
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
  add({ messages }: Batch, from: number, until: number): boolean {
    const { end } = this;
    if (!this.passOver(from, until)) return false;
    const unseen = from < end ? messages.filter(({ offset }) => Number(offset) >= end) : messages;
    if (unseen.length === 0) return true;
    this.#batches.push(unseen);
    this.#count(unseen.length, bytesOf(unseen));
    return true;
  }

  /** Between these offsets there is nothing to be claimed. @returns as `add` */
  passOver(from: number, until: number): boolean {
    const { end } = this;
    if (from > end) return false;
    this.#end = Math.max(end, until);
    return true;
  }

  /** The first messages that wait, to be decided on: at most a claim's worth. */
  first(): Messages {
    const first: Messages = [];
    let start = this.#taken;
    for (const batch of this.#batches) {
      if (first.length === CHUNK) break;
      first.push(...batch.slice(start, start + CHUNK - first.length));
      start = 0;
    }
    this.#first = first;
    return first;
  }

  /** So many of those that were decided on are done with. */
  taken(first: Messages, count: number): void {
    // Thrown away meanwhile.
    if (first !== this.#first) return;
    this.#first = undefined;
    this.#count(-count, -bytesOf(first.slice(0, count)));
    this.#taken += count;
    for (let [batch] = this.#batches; batch !== undefined && this.#taken >= batch.length; [batch] = this.#batches) {
      this.#taken -= batch.length;
      this.#batches.shift();
    }
    this.#all.less.wake();
  }

  /** Throws away what waits. */
  drop(): void {
    this.#count(-this.#size, -this.#bytes);
    this.#batches = [];
    this.#taken = 0;
    this.#first = undefined;
    this.#end = this.#owned.position;
    this.#all.less.wake();
  }

  #count(messages: number, bytes: number): void {
    this.#size += messages;
    this.#bytes += bytes;
    this.#all.bytes += bytes;
  }
}

function bytesOf(messages: Messages): number {
  let bytes = 0;
  for (const { key, value, headers } of messages) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  }
  return bytes;
}
