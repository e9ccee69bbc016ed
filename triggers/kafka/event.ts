import { isUtf8 } from 'node:buffer';
import type { EachBatchPayload } from 'kafkajs';
import {
  attributeText,
  carriedHeaders,
  type Event,
  eventId,
  fieldText,
  type HeaderField,
  type HeaderText,
  type IncomingEvent,
  knownText,
  orderKey,
  readCloudEvent,
  unknownEventId,
} from '../../src/sdk.ts';

type Record = EachBatchPayload['batch']['messages'][number];
type Order = 'key' | 'partition' | 'none';

const EMPTY = new Uint8Array(0);

/** Turns the records of one partition into events. What does not change from record to record is made once. */
export class PartitionEvents {
  readonly #topic: string;
  readonly #partition: number;
  readonly #partitionHeader: HeaderField;
  readonly #identity: string;
  readonly #origin: HeaderText;
  readonly #order: Order;

  /** @param cluster Kafka's cluster id, part of the identity of an event */
  constructor(cluster: string, topic: string, partition: number, order: Order) {
    this.#topic = topic;
    this.#partition = partition;
    this.#partitionHeader = ['event-partition', knownText(String(partition))];
    this.#identity = `kafka/${cluster}/${topic}/${partition}`;
    this.#origin = attributeText(`kafka://${cluster}/${topic}`);
    this.#order = order;
  }

  /** A tombstone (no value) is an event without data. */
  from(record: Record): Event {
    const time = Number(record.timestamp);
    const incoming = readCloudEvent({ headers: headersOf(record), data: record.value ?? EMPTY });
    return {
      id: eventId(this.#identity, `${record.offset}@${record.timestamp}`),
      time: Math.max(time, 0),
      topic: this.#topic,
      origin: this.#origin,
      subject: knownText(`partition:${this.#partition}#${record.offset}`),
      contentType: incoming.contentType,
      attributes: incoming.attributes,
      headers: this.#headers(record, incoming),
      order: this.#orderOf(record),
      data: incoming.data,
      coordinates: { type: 'kafka', topic: this.#topic, partition: this.#partition, offset: record.offset },
    };
  }

  #headers(record: Record, incoming: IncomingEvent): Event['headers'] {
    const own: HeaderField[] = [this.#partitionHeader, ['event-offset', knownText(record.offset)]];
    if (record.key !== null) own.push(...keyHeader(record.key));
    if (incoming.headers.size + incoming.leftOut > 0) own.push(...carriedHeaders(incoming));
    return own;
  }

  /** A record that cannot be decoded: only its offset is known. */
  unreadable(offset: number): Event {
    return {
      ...this.bare(offset),
      topic: this.#topic,
      origin: this.#origin,
      subject: undefined,
      contentType: undefined,
      attributes: undefined,
      headers: [],
      order: null,
      data: EMPTY,
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

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** Kafka allows several headers of one name; the last one counts, as with kafkajs' own text form. */
function headersOf({ headers }: Record): ReadonlyMap<string, string> {
  let found: Map<string, string> | undefined;
  // Not Object.entries: most records have none, and this is asked of each.
  for (const name in headers) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last === undefined) continue;
    found ??= new Map();
    found.set(name.toLowerCase(), last.toString());
  }
  return found ?? NO_HEADERS;
}

const MAX_KEY_LENGTH = 1024;

/** As text where it is text, else as base64. A long key is no header: it would crowd out the others. */
function keyHeader(key: Buffer): readonly HeaderField[] {
  if (key.length > MAX_KEY_LENGTH) return [];
  return [
    isUtf8(key)
      ? ['event-key', fieldText(key.toString('utf8'))]
      : ['event-key-base64', knownText(key.toString('base64'))],
  ];
}
