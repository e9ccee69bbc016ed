import type { Msg } from 'nats';
import { type Event, orderKey, randomEventId } from '../../src/sdk.ts';

/** Turns messages of one subscription into events. */
export function eventOf(message: Msg, receivedAt: number, order: 'key' | 'partition' | 'none'): Event {
  const contentType = message.headers?.get('content-type');
  return {
    id: randomEventId(),
    time: receivedAt,
    topic: message.subject,
    origin: `nats://${message.subject}`,
    subject: message.subject,
    contentType: contentType === '' ? undefined : contentType,
    attributes: undefined,
    headers: [],
    order: orderOf(message.subject, order),
    data: message.data,
    coordinates: { type: 'nats', subject: message.subject },
  };
}

function orderOf(subject: string, order: 'key' | 'partition' | 'none'): number | null {
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
