import { describe, expect, test } from 'vitest';
import { readCloudEvent } from './cloudevents.ts';

const text = (data: Uint8Array) => Buffer.from(data).toString();
const read = (headers: Record<string, string>, body: string) =>
  readCloudEvent({ headers: new Map(Object.entries(headers)), data: Buffer.from(body) });
const required = { specversion: '1.0', id: 'A-1', source: '/shop', type: 'com.example.order' };
const withPrefix = (prefix: string, attributes: Record<string, string>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prefix + name, value]));
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };

describe('readCloudEvent', () => {
  test.each(['ce_', 'ce-'])('binary mode with %s keeps the attributes of the producer', (prefix) => {
    const attributes = { ...required, time: '2026-01-02T03:04:05Z', subject: 's', partitionkey: 'k' };
    const headers = { ...withPrefix(prefix, attributes), 'content-type': 'text/plain', other: 'x' };
    const event = read(headers, 'hello');
    expect(event.attributes).toEqual({
      id: 'A-1',
      source: '/shop',
      type: 'com.example.order',
      time: '2026-01-02T03:04:05Z',
      subject: 's',
      extensions: [['ce-partitionkey', 'k']],
    });
    expect(event.contentType).toBe('text/plain');
    expect(text(event.data)).toBe('hello');
    expect([...event.headers]).toEqual([['other', 'x']]);
  });

  test.each<[string, (attributes: Record<string, string>) => ReturnType<typeof read>]>([
    ['binary', (attributes) => read(withPrefix('ce-', attributes), '')],
    ['structured', (attributes) => read(structured, JSON.stringify(attributes))],
  ])('%s mode: no attribute holds what may not stand in a header', (_, readAttributes) => {
    const evil = 'a\r\nb\0c\u2028d\ud800"%';
    const names = ['id', 'source', 'type', 'time', 'subject', 'other'];
    const evils = Object.fromEntries(names.map((name) => [name, evil]));
    const { attributes } = readAttributes({ specversion: '1.0', ...evils });
    const encoded = 'a%0D%0Ab%00c%E2%80%A8d%EF%BF%BD%22%25';
    expect(attributes).toEqual({
      ...Object.fromEntries(names.slice(0, 5).map((name) => [name, encoded])),
      extensions: [['ce-other', encoded]],
    });
  });

  test.each(['id', 'source', 'type', 'specversion'])(
    'without %s it is a plain message, with all its headers',
    (name) => {
      const { [name]: _, ...rest } = required as Record<string, string>;
      const event = read(withPrefix('ce-', rest), '{}');
      expect(event.attributes).toBeUndefined();
      expect(event.headers.size).toBe(3);
    },
  );

  test('another version of the specification is a plain message', () => {
    expect(read(withPrefix('ce-', { ...required, specversion: '0.3' }), '').attributes).toBeUndefined();
  });

  test.each([
    ['JSON data', { data: { a: 1 } }, 'application/json', '{"a":1}'],
    ['a JSON string', { data: 'x' }, 'application/json', '"x"'],
    ['text', { data: 'x', datacontenttype: 'text/plain' }, 'text/plain', 'x'],
    ['bytes', { data_base64: 'AAEC', datacontenttype: 'image/png' }, 'image/png', '\0\x01\x02'],
    ['null', { data: null }, 'application/json', 'null'],
    ['no data', {}, 'application/json', ''],
  ])('structured mode with %s', (_, part, contentType, body) => {
    const event = read(structured, JSON.stringify({ ...required, ...part, extra: true, nested: {} }));
    expect(event.attributes?.id).toBe('A-1');
    expect(event.attributes?.extensions).toEqual([['ce-extra', 'true']]);
    expect(event.contentType).toBe(contentType);
    expect(text(event.data)).toBe(body);
  });

  test.each(['', '[]', 'null', '{"specversion":"1.0"}', '{broken'])(
    'a structured envelope of %j is a plain message',
    (body) => {
      const event = read(structured, body);
      expect(event.attributes).toBeUndefined();
      expect(event.contentType).toBe(structured['content-type']);
      expect(text(event.data)).toBe(body);
    },
  );

  test.each([
    ['arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ])('%s nested too deeply to be written anew are a plain message', (_, data) => {
    const body = `${JSON.stringify(required).slice(0, -1)},"data":${data}}`;
    const event = read(structured, body);
    expect(event.attributes).toBeUndefined();
    expect(event.contentType).toBe(structured['content-type']);
    expect(text(event.data)).toBe(body);
  });

  test.each([
    ['binary', (attributes: object) => read(withPrefix('ce_', { ...attributes }), '{}')],
    ['structured', (attributes: object) => read(structured, JSON.stringify(attributes))],
  ])('%s mode: extensions that headers have no room for are left out, and counted', (_, readAttributes) => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x${i}`, `${i}`]));
    const { attributes, leftOut } = readAttributes({
      ...required,
      long: 'v'.repeat(5_000),
      wide: '日'.repeat(500),
      ...many,
    });
    expect(attributes?.extensions.map(([name]) => name)).toEqual(Array.from({ length: 16 }, (_, i) => `ce-x${i}`));
    expect(leftOut).toBe(26);
  });

  test.each(['id', 'source', 'type', 'subject', 'time'])(
    'with a %s that is too long for a header it is a plain message',
    (name) => {
      const event = read(withPrefix('ce-', { ...required, [name]: 'v'.repeat(5_000) }), '{}');
      expect(event.attributes).toBeUndefined();
      expect(event.headers.get(`ce-${name}`)).toHaveLength(5_000);
    },
  );

  test.each([{}, withPrefix('ce-', required)])(
    'a content type that is too long is left out, and counted',
    (headers) => {
      for (const long of ['y'.repeat(300), '日'.repeat(100)]) {
        const event = read({ ...headers, 'content-type': `text/plain; x="${long}"` }, 'hello');
        expect(event.contentType).toBeUndefined();
        expect(event.leftOut).toBe(1);
        expect(text(event.data)).toBe('hello');
      }
    },
  );

  test('a member named __proto__ does no harm', () => {
    const event = read(structured, `{"__proto__":{"id":"evil"},"specversion":"1.0","source":"/s","type":"t"}`);
    expect(event.attributes).toBeUndefined();
  });
});
