import { headers as natsHeaders } from 'nats';
import { expect, test } from 'vitest';
import type { Msg } from './client.ts';
import { MessageEvents, StreamEvents } from './event.ts';

const DATA = new TextEncoder().encode('{}');
const message = (subject: string, headers?: Msg['headers']): Msg => ({ subject, headers, data: DATA }) as Msg;
const core = new MessageEvents('key');

test('each event of core NATS is of its own subject, whatever came before it, and has an id of its own', () => {
  const events = ['a.b', 'a.b', 'c', 'a.b'].map((subject) => core.from(message(subject), 7));
  for (const [i, subject] of ['a.b', 'a.b', 'c', 'a.b'].entries())
    expect(events[i]).toMatchObject({
      time: 7,
      topic: subject,
      origin: `nats://${subject}`,
      subject,
      contentType: undefined,
      attributes: undefined,
      headers: [],
      data: DATA,
      coordinates: { type: 'nats', subject },
    });
  expect(new Set(events.map(({ id }) => id)).size).toBe(4);
  expect(events[0]?.order).toBe(events[3]?.order);
  expect(events[0]?.order).not.toBe(events[2]?.order);
});

test.each([
  ['partition', 0],
  ['none', null],
] as const)('order: %s', (order, expected) => {
  expect(new MessageEvents(order).from(message('a'), 0).order).toBe(expected);
});

test('an event of a stream has its place there, and one id for ever', () => {
  const events = new StreamEvents('orders', 'yesterday', 'key');
  const info = { sequence: 5, time: 9, reply: 'ack' } as Parameters<StreamEvents['from']>[1];
  const [first, again, other] = [
    events.from(message('a'), info),
    new StreamEvents('orders', 'yesterday', 'key').from(message('a'), info),
    new StreamEvents('orders', 'today', 'key').from(message('a'), info),
  ];
  expect(first).toMatchObject({
    time: 9,
    topic: 'a',
    headers: [
      ['event-stream', 'orders'],
      ['event-sequence', '5'],
    ],
    coordinates: { type: 'nats', subject: 'a', stream: 'orders', sequence: 5 },
    sequence: 5,
    ack: 'ack',
  });
  expect(first.id).toBe(events.bare(5, 9, 'a').id);
  expect(again.id).toBe(first.id);
  expect(other.id).not.toBe(first.id);
});

test('subject and headers hold what may stand in a header; what the server says is left out', () => {
  const given = natsHeaders();
  given.set('X', 'k\u00e4se');
  given.set('Nats-Sequence', '1');
  const event = core.from(message('gr\u00f6\u00dfe', given), 0);
  expect(event).toMatchObject({
    topic: 'gr\u00f6\u00dfe',
    subject: 'gr%C3%B6%C3%9Fe',
    origin: 'nats://gr%C3%B6%C3%9Fe',
  });
  expect(event.headers).toEqual([['event-header-x', 'k%C3%A4se']]);
});
