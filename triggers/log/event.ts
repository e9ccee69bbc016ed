import type { Delivery, EventId, HeaderField, OrderKey } from '../../src/sdk.ts';
import { attributeText, carriedHeaders, eventId, fieldText, orderKey, readCloudEvent } from '../../src/sdk.ts';
import type { LogEvent } from './claim.ts';
import type { StoredCoordinates, StoredEvent } from './reader.ts';
import type { OrderedBy } from './spec.ts';

/** How the events of one subscription are made from what is stored. */
export interface EventMaker {
  /** Without data when the log did not load it. */
  event(stored: StoredEvent): LogEvent;
  /** An event of which only the coordinates are left. */
  bare(stored: StoredCoordinates): LogEvent;
}

/** @param identity of the log: a log that was deleted and made anew counts from 1 again, and its ids must not collide */
export function createEventMaker(identity: string, order: Delivery['order'], orderedBy: OrderedBy): EventMaker {
  const event = (stored: StoredEvent): LogEvent => {
    const incoming = readCloudEvent({ headers: headersOf(stored.headers), data: stored.data ?? NO_DATA });
    return {
      id: idOf(identity, stored),
      time: stored.time,
      topic: stored.topic,
      origin: attributeText(`/log/${stored.topic}`),
      subject: undefined,
      contentType: incoming.contentType,
      attributes: incoming.attributes,
      headers: [...keyHeader(stored.key), ...carriedHeaders(incoming)],
      order: orderOf(stored, order, orderedBy),
      data: incoming.data,
      coordinates: { type: 'log', topic: stored.topic, offset: stored.seq },
    };
  };
  return {
    event,
    bare: (stored) => event({ ...stored, key: undefined, headers: {}, size: 0, data: undefined }),
  };
}

const NO_DATA = new Uint8Array();

function idOf(identity: string, { topic, seq, time }: StoredCoordinates): EventId {
  return eventId(`log:${identity}/${topic}`, `${seq}@${time}`);
}

/** One lane of order for all events of a log: it has one partition. */
const ONE_PARTITION: OrderKey = 0;

function orderOf(stored: StoredEvent, order: Delivery['order'], orderedBy: OrderedBy): OrderKey {
  switch (order) {
    case 'key':
      if (orderedBy === 'subject') return orderKey(stored.topic);
      return stored.key === undefined ? null : orderKey(stored.key);
    case 'partition':
      return ONE_PARTITION;
    case 'none':
      return null;
    default:
      return order satisfies never;
  }
}

const headersOf = (headers: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const MAX_KEY_LENGTH = 1024;

/** A long key is no header: it would crowd out the others. */
const keyHeader = (key: string | undefined): readonly HeaderField[] =>
  key === undefined || key.length > MAX_KEY_LENGTH ? [] : [['event-key', fieldText(key)]];
