import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OutgoingRequest } from '../call.ts';
import { RequestTemplate } from './template.ts';

const base: OutgoingRequest = {
  method: 'POST',
  path: '/a',
  common: ['user-agent', 'test'],
  headers: ['event-id', 'x'],
  body: Buffer.from('{}'),
};
const text = (first: string, ...lines: string[]) =>
  `${[`${first} HTTP/1.1`, 'host: f:80', 'connection: keep-alive', ...lines].join('\r\n')}\r\n\r\n`;

/** A request as a whole, put together from nothing. */
function plain({ method, path, common, headers, body }: OutgoingRequest): string {
  const pairs = [...common, ...headers];
  const lines = pairs.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${pairs[i + 1]}`] : []));
  if (method === 'POST' || body.length > 0) lines.push(`content-length: ${body.length}`);
  return text(`${method} ${path}`, ...lines) + Buffer.from(body).toString('latin1');
}

/** What is written at once stands in one text. */
function pieces(request: OutgoingRequest, template = new RequestTemplate('f:80')): readonly string[] {
  const found: string[] = [];
  let isCorked = false;
  template.writeTo(
    {
      write: (bytes) => found.push(`${isCorked ? 'corked ' : ''}${Buffer.from(bytes).toString('latin1')}`),
      cork: () => {
        isCorked = true;
      },
      uncork: () => {
        isCorked = false;
      },
      writableLength: 0,
    },
    request,
  );
  return found;
}
const written = (request: OutgoingRequest, template?: RequestTemplate) => pieces(request, template).join('|');

test('what requests have in common comes first, then what is their own, then the length', () => {
  expect(written(base)).toBe(`${text('POST /a', 'user-agent: test', 'event-id: x', 'content-length: 2')}{}`);
});

test('a GET without data has no length, one with data has', () => {
  const get = { ...base, method: 'GET', headers: [] } as const;
  expect(written({ ...get, body: new Uint8Array() })).toBe(text('GET /a', 'user-agent: test'));
  expect(written(get)).toBe(`${text('GET /a', 'user-agent: test', 'content-length: 2')}{}`);
});

test('each request has its own method, path and headers, whatever came before it', () => {
  const template = new RequestTemplate('f:80');
  const names = Array.from({ length: 500 }, (_, i) => [`x-${i}`, String(i)]).flat();
  const others: OutgoingRequest[] = [
    { ...base, path: '/b' },
    { ...base, method: 'GET' },
    { ...base, common: ['user-agent', 'other'] },
    { ...base, headers: ['event-id', 'y', 'ce-id', 'z'] },
    { ...base, headers: names },
    base,
  ];
  for (const other of others)
    for (const request of [base, other]) expect(written(request, template)).toBe(written(request));
});

test('a large body follows its head, before anything is sent', () => {
  const head = (length: number) => text('POST /a', 'user-agent: test', 'event-id: x', `content-length: ${length}`);
  const most = 'x'.repeat(16 * 1024);
  expect(pieces({ ...base, body: Buffer.from(most) })).toEqual([head(most.length) + most]);
  const more = `${most}x`;
  expect(pieces({ ...base, body: Buffer.from(more) })).toEqual([`corked ${head(more.length)}`, `corked ${more}`]);
});

const commons = [
  ['user-agent', 'test'],
  ['user-agent', 'another one'],
];
const value = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 3 });
const aRequest = fc.record({
  method: fc.constantFrom('POST' as const, 'GET' as const),
  path: fc.constantFrom('/', '/a?b=c'),
  common: fc.constantFrom(...commons),
  headers: fc
    .array(fc.tuple(fc.constantFrom('event-id', 'ce-id', 'x'), value), { maxLength: 3 })
    .map((pairs) => pairs.flat()),
  body: fc
    .oneof(fc.integer({ max: 12, min: 0 }), fc.constantFrom(98, 99, 100, 101, 3_000, 16_384, 16_385, 20_000))
    .chain((length) => fc.constantFrom('x', 'y').map((letter) => Buffer.from(letter.repeat(length)))),
});

test('whatever came before it, a request is what it would be alone, for as long as its socket has not sent it', () => {
  const calls = fc.array(fc.record({ request: aRequest, isTaken: fc.boolean() }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(calls, (sequence) => {
      const template = new RequestTemplate('f:80');
      const kept: { readonly pieces: readonly Uint8Array[]; readonly expected: string }[] = [];
      for (const { request, isTaken } of sequence) {
        const pieces: Uint8Array[] = [];
        const write = (bytes: Uint8Array) => pieces.push(bytes);
        template.writeTo({ write, cork() {}, uncork() {}, writableLength: isTaken ? 0 : 1 }, request);
        const expected = plain(request);
        expect(Buffer.concat(pieces).toString('latin1')).toBe(expected);
        if (!isTaken) kept.push({ pieces, expected });
      }
      for (const { pieces, expected } of kept) expect(Buffer.concat(pieces).toString('latin1')).toBe(expected);
    }),
    { numRuns: 300 },
  );
});

test('requests of one shape stand in the same place, one after the other', () => {
  const template = new RequestTemplate('f:80');
  const memory = (request: OutgoingRequest, writableLength = 0) => {
    let found: ArrayBufferLike | undefined;
    template.writeTo(
      {
        write: (bytes) => {
          found = bytes.buffer;
        },
        cork() {},
        uncork() {},
        writableLength,
      },
      request,
    );
    return found;
  };
  const first = memory(base);
  expect(memory({ ...base, headers: ['event-id', 'y'], body: Buffer.from('{"a":1}') })).toBe(first);
  expect(memory({ ...base, headers: ['event-id', 'longer'] }, 1)).toBe(first);
  expect(memory(base)).not.toBe(first);
});
