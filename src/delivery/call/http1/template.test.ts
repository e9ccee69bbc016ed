import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { eventually } from '../../../../test/support/eventually.ts';
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

const often = <T>(value: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const COMMON = ['user-agent', 'test'];
const OTHER_COMMON = ['user-agent', 'another one'];
const value = fc.constantFrom('a', 'b', 'cc', 'd'.repeat(65), 'e'.repeat(65));
const one = (name: string) => value.map((text) => [name, text]);
const aBody = fc
  .tuple(fc.constantFrom('x', 'y'), fc.constantFrom(0, 1, 2, 9, 10, 98, 99, 100, 1_000, 3_000, 9_999, 16_384, 16_385))
  .map(([letter, length]) => Buffer.from(letter.repeat(length)));
/** Most are neighbours: they have the shape of the one before. */
const aRequest = fc.record({
  method: often<OutgoingRequest['method']>('POST', 'GET'),
  path: often('/', '/a?b=c'),
  common: often(COMMON, OTHER_COMMON),
  headers: fc.oneof(
    one('ab'),
    one('cd'),
    fc.tuple(one('ab'), one('x')).map(([first, second]) => [...first, ...second]),
  ),
  body: aBody,
});

test('whatever came before it, a request is what it would be alone, for as long as its socket has not sent it', () => {
  const calls = fc.array(fc.record({ request: aRequest, isTaken: often(true, false) }), {
    minLength: 1,
    maxLength: 40,
    size: 'max',
  });
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
    { numRuns: 500 },
  );
});

test.each<[string, Partial<OutgoingRequest>, Partial<OutgoingRequest>]>([
  ['the value of one header', { headers: ['ab', '1', 'cd', '2'] }, { headers: ['ab', '1', 'cd', '3'] }],
  ['the name of a header', { headers: ['ab', '1'] }, { headers: ['cd', '1'] }],
  ['the length of a value', { headers: ['ab', '1', 'cd', '2'] }, { headers: ['ab', '12', 'cd', '3'] }],
  ['the number of headers', { headers: ['ab', '1'] }, { headers: ['ab', '1', 'cd', '2'] }],
  ['its length, in as many digits', { body: Buffer.from('{"a":1}') }, { body: Buffer.from('[]') }],
  ['its length, in more digits', { body: Buffer.from('{}') }, { body: Buffer.from('{"a":12345}') }],
  ['its length, beyond what there was room for', { body: Buffer.alloc(1_000) }, { body: Buffer.alloc(9_999) }],
])('a request that differs from the one before it in %s', (_, before, more) => {
  const template = new RequestTemplate('f:80');
  written({ ...base, ...before }, template);
  expect(written({ ...base, ...more }, template)).toBe(plain({ ...base, ...more }));
});

test('a request for which there is no memory leaves nothing behind', () => {
  const template = new RequestTemplate('f:80');
  written(base, template);
  const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation(() => {
    throw new RangeError('Array buffer allocation failed');
  });
  const large = { ...base, headers: ['event-id', 'y'.repeat(300)], body: Buffer.alloc(5_000) };
  expect(() => written(large, template)).toThrow('allocation');
  allocate.mockRestore();
  expect(written({ ...base, headers: ['event-id', 'z'] }, template)).toBe(
    plain({ ...base, headers: ['event-id', 'z'] }),
  );
});

test('what the kernel of a real socket does not take at once is sent as it was written', async () => {
  const received = new Map<number, string>();
  const paused: Socket[] = [];
  const server = createServer((socket) => {
    paused.push(socket);
    socket.on('data', (chunk) => {
      const port = socket.remotePort ?? 0;
      received.set(port, `${received.get(port) ?? ''}${chunk.toString('latin1')}`);
    });
    socket.pause();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = await Promise.all(
    [0, 1].map(async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return { socket, expected: '', port: socket.localPort ?? 0 };
    }),
  );
  await eventually('both are accepted', () => paused.length === 2);
  const template = new RequestTemplate('f:80');
  let pending = 0;
  for (let n = 0; pending < 200; n++) {
    const to = sockets[n % 2];
    if (to === undefined) throw new Error('there are two sockets');
    const letter = String.fromCharCode(97 + (n % 26));
    const request = { ...base, headers: ['event-id', letter], body: Buffer.from(letter.repeat(12_000)) };
    template.writeTo(to.socket, request);
    to.expected += plain(request);
    if (to.socket.writableLength > 0) pending++;
  }
  for (const socket of paused) socket.resume();
  for (const { socket } of sockets) socket.end();
  await Promise.all(paused.map((socket) => once(socket, 'close')));
  for (const to of sockets) expect(received.get(to.port) === to.expected).toBe(true);
  server.close();
  await once(server, 'close');
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
