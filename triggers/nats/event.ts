import {
  attributeText,
  carriedHeaders,
  type Delivery,
  type Event,
  eventId,
  fieldText,
  type HeaderField,
  type HeaderText,
  type IncomingEvent,
  knownText,
  type OrderKey,
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

/** Makes the events of one subscription of core NATS. */
export class MessageEvents {
  readonly #subjects: Subjects;

  constructor(order: Order) {
    this.#subjects = new Subjects(order);
  }

  from(message: Msg, receivedAt: number): Event {
    const { subject, text, origin, order } = this.#subjects.of(message.subject);
    const content = incoming(message);
    const { contentType, attributes, data } = content;
    return {
      id: randomEventId(),
      time: receivedAt,
      topic: subject,
      origin,
      subject: text,
      contentType,
      attributes,
      headers: carriedHeaders(content),
      order,
      data,
      coordinates: { type: 'nats', subject },
    };
  }
}

/** Makes the events of one stream. */
export class StreamEvents {
  readonly #stream: string;
  readonly #streamHeader: HeaderField;
  readonly #identity: string;
  readonly #subjects: Subjects;

  /** @param created of the stream: one that was deleted and made anew counts from 1 again, and its ids must not collide */
  constructor(stream: string, created: string, order: Order) {
    this.#stream = stream;
    this.#streamHeader = ['event-stream', fieldText(stream)];
    this.#identity = `jetstream/${stream}@${created}`;
    this.#subjects = new Subjects(order);
  }

  from(message: Msg, info: DeliveryInfo): StreamEvent {
    const { subject, text, origin, order } = this.#subjects.of(message.subject);
    const content = incoming(message);
    const { contentType, attributes, data } = content;
    const { id, time, coordinates } = this.bare(info.sequence, info.time, subject);
    const sequence = knownText(String(info.sequence));
    return {
      id,
      time,
      topic: subject,
      origin,
      subject: text,
      contentType,
      attributes,
      headers: [this.#streamHeader, ['event-sequence', sequence], ...carriedHeaders(content)],
      order,
      data,
      coordinates,
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

/** What events with one subject have in common. */
interface OfSubject {
  readonly subject: string;
  readonly text: HeaderText;
  readonly origin: HeaderText;
  readonly order: OrderKey;
}

/** Keeps what was made of the last subject: with most triggers it is the only one. */
class Subjects {
  readonly #order: Order;
  #last: OfSubject | undefined;

  constructor(order: Order) {
    this.#order = order;
  }

  of(subject: string): OfSubject {
    if (this.#last?.subject !== subject)
      this.#last = {
        subject,
        text: attributeText(subject),
        origin: attributeText(`nats://${subject}`),
        order: orderOf(subject, this.#order),
      };
    return this.#last;
  }
}

function incoming({ headers, data }: Msg): IncomingEvent {
  return readCloudEvent({ headers: lowerCase(headers), data });
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

function orderOf(subject: string, order: Order): OrderKey {
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
