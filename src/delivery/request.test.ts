import { describe, expect, test } from 'vitest';
import { event } from '../../test/support/outlet.ts';
import type { Event } from '../domain/event.ts';
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
  origin: 'kafka://c/orders',
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
    const attributes = {
      id: 'theirs',
      source: '/shop',
      type: 'order.made',
      time: '2017-01-01T00:00:00+02:00',
      subject: 'o-7',
      extensions: [
        ['ce-region', 'eu'],
        ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
      ],
    } as const;
    expect(headersOf({ attributes, subject: 'ours', headers: [['x-tenant', 'acme']] })).toMatchObject({
      'event-id': 'AbCdEfGhIjKlMnO',
      'ce-id': 'theirs',
      'ce-source': '/shop',
      'ce-type': 'order.made',
      'ce-time': '2017-01-01T00:00:00+02:00',
      'ce-subject': 'o-7',
      'ce-region': 'eu',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
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

  test('leaves trace context and other headers with a syntax of their own as they are', () => {
    const extensions = [
      ['baggage', 'user=a%20b,x="1"'],
      ['ce-note', 'say "hi"'],
    ] as const;
    expect(headersOf({ attributes: { ...NO_ATTRIBUTES, extensions }, headers: [['x-y', '"50%"']] })).toMatchObject({
      baggage: 'user=a%20b,x="1"',
      'ce-note': 'say %22hi%22',
      'x-y': '"50%"',
    });
  });

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
    ['source', { origin: 'kafka://c/others' }, 'ce-source'],
    ['content type', { contentType: 'text/csv' }, 'event-type'],
    ['content type that is empty', { contentType: '' }, 'content-type'],
    ['detected content type', { data: new TextEncoder().encode('[]') }, 'content-type'],
    ["producer's type", { attributes: { ...NO_ATTRIBUTES, type: 'order.made' } }, 'ce-type'],
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

describe('the value of a header', () => {
  test.each([
    ['plain ~!#$&()*+,-./:;<=>?@[]^_`{|}', 'plain ~!#$&()*+,-./:;<=>?@[]^_`{|}'],
    ['a\r\nx-evil: 1', 'a%0D%0Ax-evil: 1'],
    ['nul\0 and tab\t and del\x7f', 'nul%00 and tab%09 and del%7F'],
    ['say "hi" for 100%', 'say %22hi%22 for 100%25'],
    ['käse', 'k%C3%A4se'],
    ['\u0080\u00ff', '%C2%80%C3%BF'],
    ['日本 🚀', '%E6%97%A5%E6%9C%AC %F0%9F%9A%80'],
    ['lone \ud83d here', 'lone %EF%BF%BD here'],
    ['lone \ude80', 'lone %EF%BF%BD'],
    ['', ''],
  ])('%j is sent as %s', (value, expected) => {
    expect(headersOf({ subject: value })['ce-subject']).toBe(expected);
    expect(headersOf({ topic: value })['event-topic']).toBe(expected);
  });

  test('never has a character that may not stand there, wherever it comes from', () => {
    const evil = 'a\r\nb\0c\u2028d\ud800"%';
    const attributes = {
      id: evil,
      source: evil,
      type: evil,
      time: evil,
      subject: evil,
      extensions: [['ce-x', evil]],
    } as const;
    const all = headersOf({ attributes, topic: evil, contentType: evil, headers: [['x-y', evil]] });
    for (const value of Object.values(all)) expect(value).toMatch(/^[\x20-\x7e]*$/);
  });
});
