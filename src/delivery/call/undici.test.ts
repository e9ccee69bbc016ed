import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually, inTime } from '../../../test/support/eventually.ts';
import { RawServer, type Script } from '../../../test/support/raw-server.ts';
import type { Answer, Call, Caller } from './call.ts';
import { undiciCaller } from './undici.ts';

interface Seen {
  readonly call: Call;
  readonly answer: Promise<Answer>;
  readonly answers: Answer[];
  firstBytes: number;
}

function send(caller: Caller, body: string, headers: string[] = [], path = '/'): Seen {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const seen = { answer: promise, answers: [] as Answer[], firstBytes: 0 };
  const call = caller.send(
    { method: 'POST', path, headers, body: new TextEncoder().encode(body) },
    {
      firstByte() {
        if (seen.answers.length > 0) throw new Error('a first byte after the answer');
        seen.firstBytes++;
      },
      answer(answer) {
        seen.answers.push(answer);
        resolve(answer);
      },
    },
  );
  return Object.assign(seen, { call });
}

const open: { close(): Promise<void> }[] = [];

async function serve(connections = 4): Promise<{ server: RawServer; caller: Caller; url: string }> {
  const server = new RawServer();
  const url = await server.start();
  const caller = undiciCaller(url, connections);
  open.push({
    async close() {
      for (const socket of server.sockets) socket.destroy();
      await inTime('the caller closes', caller.close(), 8_000);
      await server.stop();
    },
  });
  return { server, caller, url };
}

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

describe('an answer', () => {
  test.each([
    ['200', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', 200],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['404', 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n', 404],
    ['500', 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n', 500],
    ['of unknown length', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200],
    ['that says close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', 200],
    [
      'with an early hint before it',
      'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n',
      201,
    ],
    ['with a status of its own', 'HTTP/1.1 299 Fine\r\ncontent-length: 0\r\n\r\n', 299],
  ])('%s is answered', async (_, text, status) => {
    const { server, caller } = await serve();
    server.script = (socket) => socket.write(text);
    const seen = send(caller, 'a');
    expect(await seen.answer).toEqual({ type: 'answered', status });
    expect(seen.firstBytes).toBe(1);
    expect(server.bodies).toEqual(['a']);
  });

  test('of HTTP/1.0, ended by the close of its connection, is answered', async () => {
    const { server, caller } = await serve();
    server.script = (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nsome text');
    expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 200 });
  });

  test.each([301, 302, 303, 307, 308])('%i is an answer like any other: it is not followed', async (status) => {
    const { server, caller, url } = await serve();
    server.script = (socket) =>
      socket.write(`HTTP/1.1 ${status} Moved\r\nlocation: ${url}/elsewhere\r\ncontent-length: 0\r\n\r\n`);
    expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status });
    await turn();
    expect(server.bodies).toEqual(['a']);
  });

  test('421 does not send it again', async () => {
    const { server, caller } = await serve();
    server.script = (socket) => socket.write('HTTP/1.1 421 Misdirected\r\ncontent-length: 0\r\n\r\n');
    expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 421 });
    expect(server.bodies).toEqual(['a']);
  });

  test('that breaks off after its status counts by its status', async () => {
    const { server, caller } = await serve();
    server.script = (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () =>
        setImmediate(() => socket.resetAndDestroy()),
      );
    const seen = send(caller, 'a');
    expect(await seen.answer).toEqual({ type: 'answered', status: 200 });
    expect(seen.answers.length).toBe(1);
  });

  test('longer than anybody reads counts by its status, and costs its connection', async () => {
    const { server, caller } = await serve(1);
    server.script = (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`);
    expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 200 });
    expect(await send(caller, 'b').answer).toEqual({ type: 'answered', status: 200 });
    expect(server.bodies).toEqual(['a', 'b']);
    expect(server.connections).toBe(2);
  });

  test('that drips for ever counts by its status when the call is given up', async () => {
    const { server, caller } = await serve();
    server.script = (socket) => socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\nx');
    const seen = send(caller, 'a');
    await eventually('the request has come', () => server.bodies.length === 1);
    // Its head has come when the answer to a later request on another connection has.
    server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    await send(caller, 'b').answer;
    await turn();
    seen.call.abort('timeout');
    expect(seen.answers).toEqual([{ type: 'answered', status: 202 }]);
    await eventually('its connection is closed', () => server.sockets.size <= 1);
  });
});

describe('no answer', () => {
  test.each([
    ['a reset', (socket: Socket) => socket.resetAndDestroy()],
    ['a close', (socket: Socket) => socket.end()],
    ['half a status line', (socket: Socket) => socket.end('HTTP/1.1 20')],
    ['what is not HTTP', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
    [
      'an upgrade nobody asked for',
      (socket: Socket) => socket.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
    ['a head without end', (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`)],
    // undici takes an answer to an expectation that was never sent for a broken one. It is a doubt, and counted.
    [
      '100 Continue, unasked',
      (socket: Socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
    ],
  ])('but %s is unknown, and the request is not sent again', async (_, script) => {
    const { server, caller } = await serve();
    server.script = script;
    const seen = send(caller, 'a');
    expect(await seen.answer).toEqual({ type: 'unknown', reason: 'reset' });
    server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(await send(caller, 'b').answer).toEqual({ type: 'answered', status: 200 });
    expect(server.bodies).toEqual(['a', 'b']);
    expect([seen.firstBytes, seen.answers.length]).toEqual([1, 1]);
  });

  test('in time: given up, unknown, told before abort returns, and the server saw one request', async () => {
    const { server, caller } = await serve(1);
    server.script = () => {};
    const seen = send(caller, 'a');
    await eventually('the request has come', () => server.bodies.length === 1);
    seen.call.abort('timeout');
    expect(seen.answers).toEqual([{ type: 'unknown', reason: 'timeout' }]);
    seen.call.abort('aborted');
    server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(await send(caller, 'b').answer).toEqual({ type: 'answered', status: 200 });
    expect(server.bodies).toEqual(['a', 'b']);
    expect(seen.answers.length).toBe(1);
  });

  test('to a call that was given up while it waited for a connection: it never leaves', async () => {
    const { server, caller } = await serve(1);
    server.script = () => {};
    const first = send(caller, 'a');
    const second = send(caller, 'b');
    await eventually('the first has come', () => server.bodies.length === 1);
    second.call.abort('aborted');
    expect(second.answers).toMatchObject([{ type: 'notSent' }]);
    first.call.abort('timeout');
    server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    await send(caller, 'c').answer;
    expect(server.bodies).toEqual(['a', 'c']);
    expect([second.firstBytes, second.answers.length]).toEqual([0, 1]);
  });
});

describe('nothing that was sent', () => {
  test('where nobody listens', async () => {
    const { server, caller } = await serve();
    await server.stop();
    const seen = send(caller, 'a');
    expect(await seen.answer).toMatchObject({ type: 'notSent', cause: { code: 'ECONNREFUSED' } });
    expect(seen.firstBytes).toBe(0);
    expect(await caller.probe()).toBe(false);
  });

  test('where the name does not resolve', async () => {
    const caller = undiciCaller('http://function.invalid', 2);
    const seen = send(caller, 'a');
    expect((await seen.answer).type).toBe('notSent');
    expect(seen.firstBytes).toBe(0);
    await caller.close();
  });

  test('where TLS cannot be agreed on', async () => {
    const { server, url } = await serve();
    const caller = undiciCaller(url.replace('http:', 'https:'), 2);
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
    const { server, caller } = await serve(1);
    const seen = send(caller, 'abc', headers);
    expect((await seen.answer).type).toBe('invalid');
    expect([seen.firstBytes, seen.answers.length]).toEqual([0, 1]);
    await send(caller, 'next').answer;
    expect(server.bodies).toEqual(['next']);
  });

  test('with such a header while all connections are in use: the ones behind it are sent', async () => {
    const { server, caller } = await serve(1);
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

test('what is on the wire: HTTP/1.1, the headers of the lane, and nothing that invites surprises', async () => {
  const { server, caller, url } = await serve();
  await send(caller, '{}', ['content-type', 'application/json', 'event-id', 'x'], '/path?q=1').answer;
  expect(server.heads[0]?.split('\r\n')).toEqual([
    'POST /path?q=1 HTTP/1.1',
    `host: ${new URL(url).host}`,
    'connection: keep-alive',
    'content-type: application/json',
    'event-id: x',
    'content-length: 2',
  ]);
});

test('an event without data is sent with the length 0', async () => {
  const { server, caller } = await serve();
  await send(caller, '').answer;
  expect(server.heads[0]).toContain('content-length: 0');
});

test('one request is on a connection at a time, and connections are used again', async () => {
  const { server, caller } = await serve(2);
  const busy = new Map<Socket, number>();
  let most = 0;
  server.script = (socket) => {
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    most = Math.max(most, ...busy.values());
    setImmediate(() => {
      busy.set(socket, (busy.get(socket) ?? 0) - 1);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
  };
  await Promise.all(Array.from({ length: 40 }, (_, n) => send(caller, `${n}`).answer));
  expect(most).toBe(1);
  expect(server.connections).toBe(2);
});

test('a probe connects, and sends nothing', async () => {
  const { server, caller } = await serve();
  expect(await caller.probe()).toBe(true);
  await eventually('its connection is gone', () => server.connections === 1 && server.sockets.size === 0);
  expect(server.heads).toEqual([]);
});

test('an answer that was sent ahead of its request is taken by nobody', async () => {
  const { server, caller } = await serve(1);
  server.script = (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 299 Forged\r\ncontent-length: 0\r\n\r\n');
  expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 200 });
  const second = await send(caller, 'b').answer;
  expect(second).not.toEqual({ type: 'answered', status: 299 });
  expect(server.bodies.filter((body) => body === 'b').length).toBeLessThanOrEqual(1);
});

test('2,000 calls to a server that closes, resets, half answers and refuses at random: none is received twice', async () => {
  const { server, caller } = await serve(16);
  const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
  const scripts: Script[] = [
    (socket) => socket.write(ok),
    (socket) => socket.write(ok),
    (socket) => socket.write(ok),
    (socket) => socket.write(ok, () => setImmediate(() => socket.destroy())),
    (socket) => socket.end(ok),
    (socket) => socket.write(ok, () => socket.resetAndDestroy()),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end(),
    (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
    (socket) => socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
    (socket) => socket.write('HTTP/1.1 200 OK\r\nkeep-alive: timeout=0\r\ncontent-length: 0\r\n\r\n'),
  ];
  server.script = (socket, body) => scripts[randomInt(scripts.length)]?.(socket, body);
  const seen: Seen[] = [];
  let n = 0;
  const worker = async () => {
    while (n < 2_000) {
      const next = send(caller, `body ${n++}`);
      seen.push(next);
      await next.answer;
      if (randomInt(20) === 0) for (const socket of server.sockets) if (randomInt(4) === 0) socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  await turn();
  expect(new Set(server.bodies).size).toBe(server.bodies.length);
  const received = new Set(server.bodies);
  for (const [i, { answers, firstBytes }] of seen.entries()) {
    expect(answers.length).toBe(1);
    expect(firstBytes).toBe(answers[0]?.type === 'notSent' ? 0 : 1);
    if (answers[0]?.type === 'answered') expect(received.has(`body ${i}`)).toBe(true);
    if (answers[0]?.type === 'notSent') expect(received.has(`body ${i}`)).toBe(false);
  }
  expect(seen.filter(({ answers }) => answers[0]?.type === 'answered').length).toBeGreaterThan(500);
});

test('close lets a call under way end, and leaves no connection', async () => {
  const { server, caller } = await serve();
  const sockets: Socket[] = [];
  server.script = (socket) => sockets.push(socket);
  const seen = send(caller, 'a');
  await eventually('it has come', () => sockets.length === 1);
  const closing = caller.close();
  sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  expect(await seen.answer).toEqual({ type: 'answered', status: 200 });
  await inTime('the caller closes', closing, 5_000);
  await eventually('no connection is left', () => server.sockets.size === 0);
  expect((await send(caller, 'late').answer).type).toBe('notSent');
});
