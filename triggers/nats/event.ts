import {
  attributeText,
  carriedHeaders,
  type Delivery,
  type Event,
  eventId,
  fieldText,
  type HeaderField,
  knownText,
  orderKey,
  randomEventId,
  readCloudEvent,
  unknownEventId,
} from '../../src/sdk.ts';
import type { Msg } from './client.ts';
import type { DeliveryInfo } from './jetstream/delivery-info.ts';

type Order = Delivery['order'];

/** What an event is named by, also where no more of it is left. */
export type BareEvent = Pick<Event, 'id' | 'time' | 'coordinates'>;

/** An event of a stream, and where its acknowledgement goes. */
export interface StreamEvent extends Event {
  readonly sequence: number;
  readonly ack: string;
}

/** Turns messages of core NATS into events. */
export function eventOf(message: Msg, receivedAt: number, order: Order): Event {
  const named = {
    id: randomEventId(),
    time: receivedAt,
    coordinates: { type: 'nats', subject: message.subject },
  } as const;
  return { ...named, ...contentOf(message, order) };
}

/** Makes the events of one stream. */
export class StreamEvents {
  readonly #stream: string;
  readonly #streamHeader: HeaderField;
  readonly #identity: string;
  readonly #order: Order;

  /** @param created of the stream: one that was deleted and made anew counts from 1 again, and its ids must not collide */
  constructor(stream: string, created: string, order: Order) {
    this.#stream = stream;
    this.#streamHeader = ['event-stream', fieldText(stream)];
    this.#identity = `jetstream/${stream}@${created}`;
    this.#order = order;
  }

  from(message: Msg, info: DeliveryInfo): StreamEvent {
    const content = contentOf(message, this.#order);
    return {
      ...this.bare(info.sequence, info.time, message.subject),
      ...content,
      headers: [this.#streamHeader, ['event-sequence', knownText(String(info.sequence))], ...content.headers],
      sequence: info.sequence,
      ack: info.reply,
    };
  }

  /** @param time of publication, milliseconds since the epoch */
  bare(sequence: number, time: number, subject: string): BareEvent {
    return {
      id: eventId(this.#identity, `${sequence}@${time}`),
      time,
      coordinates: { type: 'nats', subject, stream: this.#stream, sequence },
    };
  }

  /** An event that the stream keeps no more: its id, which its time is part of, is not known. */
  gone(subject: string, sequence?: number): BareEvent {
    const place = sequence === undefined ? {} : { sequence };
    return { id: unknownEventId, time: 0, coordinates: { type: 'nats', subject, stream: this.#stream, ...place } };
  }
}

function contentOf({ subject, headers, data }: Msg, order: Order) {
  const incoming = readCloudEvent({ headers: lowerCase(headers), data });
  return {
    topic: subject,
    origin: `nats://${subject}`,
    subject: attributeText(subject),
    contentType: incoming.contentType,
    attributes: incoming.attributes,
    headers: carriedHeaders(incoming.headers),
    order: orderOf(subject, order),
    data: incoming.data,
  };
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** Without the server's own `Nats-…`: some can be forged from a leaf node (CVE-2026-33246), and none is the producer's word. */
function lowerCase(headers: Msg['headers']): ReadonlyMap<string, string> {
  if (headers === undefined) return NO_HEADERS;
  const found = new Map<string, string>();
  for (const [name, values] of headers) {
    const key = name.toLowerCase();
    const value = values.at(-1);
    if (value !== undefined && !key.startsWith('nats-')) found.set(key, value);
  }
  return found;
}

function orderOf(subject: string, order: Order): number | null {
  switch (order) {
    case 'key':
      return orderKey(subject);
    case 'partition':
      return 0;
    case 'none':
      return null;
    default:
      return order satisfies never;
  }
}
