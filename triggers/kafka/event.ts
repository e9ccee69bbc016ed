import type { EachBatchPayload, IHeaders } from 'kafkajs';
import { type Event, eventId, orderKey, unknownEventId } from '../../src/sdk.ts';

type Record = EachBatchPayload['batch']['messages'][number];
type Order = 'key' | 'partition' | 'none';

const EMPTY = new Uint8Array(0);

/** Turns the records of one partition into events. What does not change from record to record is made once. */
export class PartitionEvents {
  readonly #topic: string;
  readonly #partition: number;
  readonly #identity: string;
  readonly #origin: string;
  readonly #order: Order;

  /** @param cluster Kafka's cluster id, part of the identity of an event */
  constructor(cluster: string, topic: string, partition: number, order: Order) {
    this.#topic = topic;
    this.#partition = partition;
    this.#identity = `kafka/${cluster}/${topic}/${partition}`;
    this.#origin = `kafka://${cluster}/${topic}`;
    this.#order = order;
  }

  /** A tombstone (no value) is an event without data. */
  from(record: Record): Event {
    const time = Number(record.timestamp);
    return {
      id: eventId(this.#identity, `${record.offset}@${record.timestamp}`),
      time: Math.max(time, 0),
      topic: this.#topic,
      origin: this.#origin,
      subject: `partition:${this.#partition}#${record.offset}`,
      contentType: record.headers === undefined ? undefined : headerText(record.headers, 'content-type'),
      attributes: undefined,
      headers: [],
      order: this.#orderOf(record),
      data: record.value ?? EMPTY,
      coordinates: { type: 'kafka', topic: this.#topic, partition: this.#partition, offset: record.offset },
    };
  }

  /** An event whose record is not at hand: its id, which the record's time is part of, is not known. */
  bare(offset: number): Pick<Event, 'id' | 'time' | 'coordinates'> {
    const coordinates = {
      type: 'kafka',
      topic: this.#topic,
      partition: this.#partition,
      offset: String(offset),
    } as const;
    return { id: unknownEventId, time: 0, coordinates };
  }

  #orderOf(record: Record): number | null {
    switch (this.#order) {
      case 'key':
        return record.key === null ? null : orderKey(record.key);
      case 'partition':
        return this.#partition;
      case 'none':
        return null;
      default:
        return this.#order satisfies never;
    }
  }
}

function headerText(headers: IHeaders, name: string): string | undefined {
  const value = headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? undefined : first.toString();
}
