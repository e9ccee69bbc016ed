import { describe, expect, test } from 'vitest';
import { event } from '../../test/support/outlet.ts';
import { carriedHeaders } from '../domain/carried-headers.ts';
import { readCloudEvent } from '../domain/cloudevents.ts';
import type { Event } from '../domain/event.ts';
import { attributeText, fieldText, knownText } from '../domain/header-text.ts';
import type { OutgoingRequest } from './call/call.ts';
import { requestBuilder } from './request.ts';

const clock = { now: () => Date.UTC(2018, 4, 18, 5, 40, 42, 881), monotonic: () => 0, after: () => () => {} };
const build = requestBuilder({
  eventNamespace: 'kafkatriggers.kubeless.io',
  eventType: 'dev.trigate.kafka.record',
  userAgent: 'trigate/1.2.3',
  keep: 0,
  clock,
});

const base = event('AbCdEfGhIjKlMnO', null, {
  time: Date.UTC(2018, 4, 18, 5, 40, 1),
  topic: 'orders',
  origin: attributeText('kafka://c/orders'),
  data: new TextEncoder().encode('{"a":1}'),
});

const NO_ATTRIBUTES = {
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  subject: undefined,
  extensions: [],
};

function headersOf(more: Partial<Event>): Record<string, string> {
  return sent(build({ ...base, ...more }, '/'));
}

function sent({ common, headers }: OutgoingRequest): Record<string, string> {
  const all = [...common, ...headers];
  return Object.fromEntries(Array.from({ length: all.length / 2 }, (_, i) => [all[2 * i] ?? '', all[2 * i + 1] ?? '']));
}

describe('the request', () => {
  test('is a POST of the data to the path of the function', () => {
    expect(build(base, '/x?y=z')).toMatchObject({ method: 'POST', path: '/x?y=z', body: base.data });
  });

  test("has Kubeless' headers and those of CloudEvents, and no others", () => {
    expect(headersOf({})).toEqual({
      'content-type': 'application/json',
      'user-agent': 'trigate/1.2.3',
      'event-id': 'AbCdEfGhIjKlMnO',
      'event-type': 'application/json',
      'event-time': '2018-05-18 05:40:42.881 +0000 UTC',
      'event-namespace': 'kafkatriggers.kubeless.io',
      'event-topic': 'orders',
      'ce-specversion': '1.0',
      'ce-id': 'AbCdEfGhIjKlMnO',
      'ce-source': 'kafka://c/orders',
      'ce-type': 'dev.trigate.kafka.record',
      'ce-time': '2018-05-18T05:40:01.000Z',
    });
  });

  test("keeps the producer's attributes; event-id stays ours", () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const attributes = {
      id: attributeText('theirs'),
      source: attributeText('/shop'),
      type: attributeText('order.made'),
      time: attributeText('2017-01-01T00:00:00+02:00'),
      subject: attributeText('o-7'),
      extensions: [
        ['ce-region', attributeText('eu')],
        ['traceparent', fieldText(traceparent)],
      ],
    } as const;
    const headers = [['x-tenant', fieldText('acme')]] as const;
    expect(headersOf({ attributes, subject: attributeText('ours'), headers })).toMatchObject({
      'event-id': 'AbCdEfGhIjKlMnO',
      'ce-id': 'theirs',
      'ce-source': '/shop',
      'ce-type': 'order.made',
      'ce-time': '2017-01-01T00:00:00+02:00',
      'ce-subject': 'o-7',
      'ce-region': 'eu',
      traceparent,
      'x-tenant': 'acme',
    });
  });

  test("says the producer's content type, in both places", () => {
    expect(headersOf({ contentType: 'text/csv' })).toMatchObject({
      'content-type': 'text/csv',
      'event-type': 'text/csv',
    });
  });

  test.each(['multipart/form-data; boundary="a b"', 'text/plain; charset="utf-8"', 'application/x; q="50%"'])(
    'leaves a content type with parameters as it is: %s',
    (contentType) => {
      expect(headersOf({ contentType })['content-type']).toBe(contentType);
    },
  );

  test('has the epoch for a time that no date can hold', () => {
    for (const time of [Number.NaN, 8.64e15 + 1, -Infinity])
      expect(headersOf({ time })['ce-time']).toBe('1970-01-01T00:00:00.000Z');
  });
});

describe('what requests have in common', () => {
  test('is one list as long as nothing of it changes', () => {
    const first = build(base, '/').common;
    expect(build({ ...base, time: 1, data: new TextEncoder().encode('{}') }, '/x').common).toBe(first);
  });

  test.each<[string, Partial<Event>, string]>([
    ['topic', { topic: 'others' }, 'event-topic'],
    ['no topic', { topic: undefined }, 'event-topic'],
    ['source', { origin: attributeText('kafka://c/others') }, 'ce-source'],
    ['content type', { contentType: 'text/csv' }, 'event-type'],
    ['content type that is empty', { contentType: '' }, 'content-type'],
    ['detected content type', { data: new TextEncoder().encode('[]') }, 'content-type'],
    ["producer's type", { attributes: { ...NO_ATTRIBUTES, type: attributeText('order.made') } }, 'ce-type'],
  ])('is another one with another %s, and as before behind it', (_, more, header) => {
    const before = headersOf({});
    expect(headersOf(more)[header]).not.toBe(before[header]);
    expect(headersOf({})).toEqual(before);
  });
});

describe('the request of a tick', () => {
  const tick = requestBuilder({
    eventNamespace: 'cronjobtrigger.kubeless.io',
    eventType: 'dev.trigate.cronjob.tick',
    eventTime: 'date',
    userAgent: 'trigate/1.2.3',
    keep: 0,
    clock,
  });

  test("is a GET without data and without a topic, with the date format of Kubeless' cron jobs", () => {
    const request = tick({ ...base, topic: undefined, method: 'GET', data: new Uint8Array() }, '/');
    expect(request).toMatchObject({ method: 'GET', body: new Uint8Array() });
    expect(sent(request)).toMatchObject({
      'event-time': '2018-05-18 05:40:42+00:00',
      'event-namespace': 'cronjobtrigger.kubeless.io',
    });
    expect(sent(request)).not.toHaveProperty('event-topic');
  });
});

test('topic and content type come as they are, and are written as a header may have them', () => {
  const evil = 'a\r\nb\0c\u2028d\ud800"%';
  const encoded = 'a%0D%0Ab%00c%E2%80%A8d%EF%BF%BD';
  expect(headersOf({ topic: evil, contentType: evil })).toMatchObject({
    'event-topic': `${encoded}%22%25`,
    'content-type': `${encoded}"%`,
    'event-type': `${encoded}"%`,
  });
});

test.each(['ce-', 'ce_'])('what a producer says in %s headers is encoded once on its way to a function', (prefix) => {
  const hostile = 'k\u00e4se?a=%20"\r\n';
  const names = ['id', 'source', 'type', 'time', 'subject', 'other'];
  const headers = new Map([[`${prefix}specversion`, '1.0'], ...names.map((name) => [prefix + name, hostile] as const)]);
  const { attributes } = readCloudEvent({ headers, data: new Uint8Array() });
  const sentHeaders = headersOf({ attributes });
  for (const name of names) expect(sentHeaders[`ce-${name}`]).toBe('k%C3%A4se?a=%2520%22%0D%0A');
});

test('the fullest request stays below the 16 KiB of headers, and the 99 lines, that servers take', () => {
  const long = (n: number) => 'v'.repeat(n);
  const carried = Array.from({ length: 80 }, (_, i) => [`h${i}`.padEnd(40, 'x'), long(90)] as const);
  const extensions = Array.from({ length: 30 }, (_, i) => [`ce_x${i}`, long(20)] as const);
  const core = {
    ce_specversion: '1.0',
    ce_id: long(800),
    ce_source: long(800),
    ce_type: long(800),
    ce_subject: long(800),
  };
  const headers = new Map([
    ...Object.entries({ ...core, 'content-type': long(256) }),
    ...extensions,
    ...carried,
    ['traceparent', long(55)],
  ]);
  const content = readCloudEvent({ headers, data: new Uint8Array(0) });
  const { attributes, contentType, leftOut } = content;
  expect(attributes?.extensions).toHaveLength(16);
  const own = [
    ['event-partition', knownText('1000')],
    ['event-offset', knownText(long(19))],
    ['event-key', knownText(long(1_024))],
  ] as const;
  const request = build(
    event('id', null, {
      topic: long(249),
      attributes,
      contentType,
      headers: [...own, ...carriedHeaders(content)],
    }),
    `/${long(100)}`,
  );
  expect(leftOut).toBe(14);
  const lines = ['host', long(253), 'content-length', '1048576', ...request.common, ...request.headers];
  const bytes = lines.reduce((sum, text) => sum + text.length + 2, `POST ${request.path} HTTP/1.1\r\n`.length);
  expect(bytes).toBeLessThan(15.5 * 1_024);
  expect(lines.length / 2).toBeLessThanOrEqual(99);
});
