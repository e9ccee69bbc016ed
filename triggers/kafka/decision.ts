import type { EachBatchPayload } from 'kafkajs';
import type { Clock, DroppedReason, Event, Logger } from '../../src/sdk.ts';
import { PartitionEvents } from './event.ts';
import type { OwnedPartition, Taking } from './partition.ts';
import { Unreadable } from './records.ts';
import { type KafkaTriggerSpec, skips } from './spec.ts';

export type Batch = Pick<EachBatchPayload['batch'], 'partition' | 'messages'>;

/** Most events in one claim. With the gate's room it bounds what a crash leaves in doubt. */
export const CHUNK = 512;

/** Events of a batch that are decided on together. */
export interface Decision extends Taking {
  readonly events: readonly Event[];
  readonly unwanted: readonly { readonly event: Event; readonly reason: DroppedReason }[];
  /** How many of the messages those are. */
  readonly count: number;
}

/** Says what becomes of the events of a topic: to be claimed, or dropped, and why. */
export class Decider {
  readonly #spec: KafkaTriggerSpec;
  readonly #cluster: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #makers = new Map<number, PartitionEvents>();
  readonly #told = new WeakSet<Unreadable>();

  constructor(spec: KafkaTriggerSpec, cluster: string, { clock, log }: { clock: Clock; log: Logger }) {
    this.#spec = spec;
    this.#cluster = cluster;
    this.#clock = clock;
    this.#log = log;
  }

  /** As many events as there is room for, in the gate and in the partition's window. */
  decide(messages: Batch['messages'], size: number, owned: OwnedPartition): Decision {
    const { partition } = owned;
    const oldest = this.#clock.now() - (this.#spec.delivery.maxAge ?? Number.POSITIVE_INFINITY);
    const maker = this.makerOf(partition);
    const limit = owned.limit(firstOffset(messages[0]));
    const events: Event[] = [];
    const offsets: number[] = [];
    const unwanted: { event: Event; reason: DroppedReason }[] = [];
    let next = 0;
    let position = owned.position;
    for (; next < messages.length && events.length < size && events.length + unwanted.length < CHUNK; next++) {
      const message = messages[next];
      if (message === undefined) break;
      const offset = firstOffset(message);
      if (offset >= limit) break;
      if (message instanceof Unreadable) {
        const start = Math.max(offset, position);
        this.#tell(partition, message);
        const until = Math.min(message.last + 1, limit, start + CHUNK - events.length - unwanted.length);
        for (position = start; position < until; position++)
          unwanted.push({ event: maker.unreadable(position), reason: 'invalid' });
        if (until <= message.last) break;
        continue;
      }
      // A safety net: what waits begins behind the position.
      if (offset < position) continue;
      const event = maker.from(message);
      const reason = this.#unwanted(event, oldest);
      if (reason === undefined) {
        events.push(event);
        offsets.push(offset);
      } else {
        unwanted.push({ event, reason });
      }
      position = offset + 1;
    }
    return { events, offsets, unwanted, dropped: unwanted.map(({ reason }) => reason), position, count: next };
  }

  makerOf(partition: number): PartitionEvents {
    let maker = this.#makers.get(partition);
    if (maker === undefined) {
      maker = new PartitionEvents(this.#cluster, this.#spec.topic, partition, this.#spec.delivery.order);
      this.#makers.set(partition, maker);
    }
    return maker;
  }

  #unwanted(event: Event, oldest: number): DroppedReason | undefined {
    if (skips(this.#spec)) return 'paused_skip';
    if (event.data.length > this.#spec.delivery.maxBytes) return 'too_large';
    return event.time < oldest ? 'expired' : undefined;
  }

  /** Once, however many claims it takes. */
  #tell(partition: number, message: Unreadable): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    const { first, last, cause } = message;
    const fields = { topic: this.#spec.topic, partition, from: first, to: last, cause };
    this.#log.warn(fields, 'records cannot be decoded; they are dropped as invalid');
  }
}

const firstOffset = (message: Batch['messages'][number] | undefined): number =>
  message instanceof Unreadable ? message.first : Number(message?.offset);
