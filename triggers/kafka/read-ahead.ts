import type { Clock } from '../../src/sdk.ts';
import { type Batch, CHUNK } from './decision.ts';
import type { OwnedPartition } from './partition.ts';

/** What may wait before kafkajs is held up: a claim's worth, and of large events fewer. */
const MOST_BYTES = 1_048_576;

type Messages = Batch['messages'];

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
  highWatermark = '0';
  #owned: OwnedPartition;
  #epoch: number;
  #messages: Messages = [];
  #next = 0;
  #end: number;
  #waiting: (() => void)[] = [];

  constructor(owned: OwnedPartition, epoch: number) {
    this.partition = owned.partition;
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

  /** Those from `next` on are waiting. Never the same array again after something was thrown away. */
  get messages(): Messages {
    return this.#messages;
  }

  get next(): number {
    return this.#next;
  }

  get size(): number {
    return this.#messages.length - this.#next;
  }

  /** All before this offset waits here, is claimed, or holds nothing to be claimed. */
  get end(): number {
    return Math.max(this.#end, this.#owned.position);
  }

  get isFull(): boolean {
    if (this.size > CHUNK) return true;
    let bytes = 0;
    for (let i = this.#next; i < this.#messages.length; i++) {
      const message = this.#messages[i];
      bytes += (message?.value?.length ?? 0) + (message?.key?.length ?? 0);
    }
    return bytes > MOST_BYTES;
  }

  /** A membership has begun: kafkajs begins at the stored position. */
  restart(owned: OwnedPartition, epoch: number): void {
    if (owned === this.#owned && epoch === this.#epoch) return;
    this.drop();
    this.#owned = owned;
    this.#epoch = epoch;
    this.#end = owned.position;
  }

  /**
   * @param from the offset that was asked for
   * @returns false: it does not begin where this ends, and nothing was taken of it
   */
  add(batch: Batch, from: number, until: number): boolean {
    const { end } = this;
    if (from > end) return false;
    for (const message of batch.messages) if (Number(message.offset) >= end) this.#messages.push(message);
    this.highWatermark = batch.highWatermark;
    this.#end = Math.max(end, until);
    return true;
  }

  /** Between these offsets there is nothing to be claimed. @returns as `add` */
  passOver(from: number, until: number): boolean {
    const { end } = this;
    if (from > end) return false;
    this.#end = Math.max(end, until);
    return true;
  }

  /** Those before `next` are decided on. @param messages which were decided on */
  taken(messages: Messages, next: number): void {
    // Thrown away meanwhile.
    if (messages !== this.#messages) return;
    this.#next = next;
    if (next >= messages.length) {
      this.#messages = [];
      this.#next = 0;
    } else if (next > CHUNK && next * 2 > messages.length) {
      this.#messages = messages.slice(next);
      this.#next = 0;
    }
    this.#wake();
  }

  /** Throws away what waits. */
  drop(): void {
    this.#messages = [];
    this.#next = 0;
    this.#end = this.#owned.position;
    this.#wake();
  }

  /** Resolves when something was taken or thrown away, or after `ms`. */
  changed(clock: Clock, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      this.#waiting.push(() => {
        cancel();
        resolve();
      });
    });
  }

  #wake(): void {
    if (this.#waiting.length > 0) for (const wake of this.#waiting.splice(0)) wake();
  }
}
