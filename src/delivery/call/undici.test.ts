import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { send, serve } from '../../../test/support/call.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { systemClock } from '../../domain/clock.ts';
import { undiciCaller } from './undici.ts';

const createCaller = undiciCaller({ clock: systemClock, forbids: () => false });

describe('nothing that was sent', () => {
  test('where TLS cannot be agreed on', async () => {
    await using called = await serve(createCaller);
    const { server, url } = called;
    const caller = createCaller(url.replace('http:', 'https:'), 2);
    server.script = () => {};
    const seen = send(caller, 'a');
    await eventually('the handshake has come', () => server.sockets.size === 1);
    for (const socket of server.sockets) socket.end('no TLS here');
    expect((await seen.answer).type).toBe('notSent');
    expect(seen.firstBytes).toBe(0);
    await caller.close();
  });

  test.each([
    ['a header name that is no token', ['a b', 'x']],
    ['a line break in a header', ['a', 'x\r\ny: z']],
    ['a second content length', ['content-length', '7']],
    ['an expectation', ['expect', '100-continue']],
    ['a transfer encoding', ['transfer-encoding', 'chunked']],
    ['a hop-by-hop header', ['keep-alive', 'timeout=5']],
  ])('with %s, which no try can mend', async (_, headers) => {
    await using called = await serve(createCaller, 1);
    const { server, caller } = called;
    const seen = send(caller, 'abc', headers);
    expect((await seen.answer).type).toBe('invalid');
    expect([seen.firstBytes, seen.answers.length]).toEqual([0, 1]);
    await send(caller, 'next').answer;
    expect(server.bodies).toEqual(['next']);
  });

  test('with such a header while all connections are in use: the ones behind it are sent', async () => {
    await using called = await serve(createCaller, 1);
    const { server, caller } = called;
    const sockets: Socket[] = [];
    server.script = (socket) => sockets.push(socket);
    const first = send(caller, 'a');
    await eventually('it has come', () => sockets.length === 1);
    const bad = send(caller, 'b', ['content-length', '7']);
    const last = send(caller, 'c');
    server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect((await first.answer).type).toBe('answered');
    expect((await bad.answer).type).toBe('invalid');
    expect((await last.answer).type).toBe('answered');
    expect(server.bodies).toEqual(['a', 'c']);
  });
});

test('100 Continue, unasked, is a doubt: undici takes it for a broken answer', async () => {
  await using called = await serve(createCaller);
  const { server, caller } = called;
  server.script = (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  expect(await send(caller, 'a').answer).toEqual({ type: 'unknown', reason: 'reset' });
});
