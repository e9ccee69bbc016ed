import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Seen, send, serve } from '../../../test/support/call.ts';
import { eventually, inTime } from '../../../test/support/eventually.ts';
import type { Script } from '../../../test/support/raw-server.ts';
import { systemClock } from '../../domain/clock.ts';
import { httpCaller } from './http1/caller.ts';
import { undiciCaller } from './undici.ts';

describe.each([
  ['undici', undiciCaller({ clock: systemClock, forbids: () => false })],
  ['our own', httpCaller({ clock: systemClock, forbids: () => false })],
])('through %s:', (_name, createCaller) => {
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
      await using called = await serve(createCaller);
      const { server, caller } = called;
      server.script = (socket) => socket.write(text);
      const seen = send(caller, 'a');
      expect(await seen.answer).toEqual({ type: 'answered', status });
      expect(seen.firstBytes).toBe(1);
      expect(server.bodies).toEqual(['a']);
    });

    test('of HTTP/1.0, ended by the close of its connection, is answered', async () => {
      await using called = await serve(createCaller);
      const { server, caller } = called;
      server.script = (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nsome text');
      expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 200 });
    });

    test.each([301, 302, 303, 307, 308])('%i is an answer like any other: it is not followed', async (status) => {
      await using called = await serve(createCaller);
      const { server, caller, url } = called;
      server.script = (socket) =>
        socket.write(`HTTP/1.1 ${status} Moved\r\nlocation: ${url}/elsewhere\r\ncontent-length: 0\r\n\r\n`);
      expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status });
      await turn();
      expect(server.bodies).toEqual(['a']);
    });

    test('421 does not send it again', async () => {
      await using called = await serve(createCaller);
      const { server, caller } = called;
      server.script = (socket) => socket.write('HTTP/1.1 421 Misdirected\r\ncontent-length: 0\r\n\r\n');
      expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 421 });
      expect(server.bodies).toEqual(['a']);
    });

    test('that breaks off after its status counts by its status', async () => {
      await using called = await serve(createCaller);
      const { server, caller } = called;
      server.script = (socket) =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () =>
          setImmediate(() => socket.resetAndDestroy()),
        );
      const seen = send(caller, 'a');
      expect(await seen.answer).toEqual({ type: 'answered', status: 200 });
      expect(seen.answers.length).toBe(1);
    });

    test('longer than anybody reads counts by its status, and costs its connection', async () => {
      await using called = await serve(createCaller, 1);
      const { server, caller } = called;
      server.script = (socket) =>
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`);
      expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 200 });
      expect(await send(caller, 'b').answer).toEqual({ type: 'answered', status: 200 });
      expect(server.bodies).toEqual(['a', 'b']);
      expect(server.connections).toBe(2);
    });

    test('that drips for ever counts by its status when the call is given up', async () => {
      await using called = await serve(createCaller);
      const { server, caller } = called;
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

  describe('of an answer that rejects', () => {
    const keep = 8;
    const kept = async (script: Script, wanted = keep) => {
      await using called = await serve(createCaller);
      called.server.script = script;
      const answer = await send(called.caller, 'a', [], '/', wanted).answer;
      return answer.type === 'answered'
        ? [answer.status, answer.body && Buffer.from(answer.body).toString()]
        : [answer.type];
    };
    const half = 'HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nhalf';

    test.each<[string, Script, unknown]>([
      ['all', (socket) => socket.write('HTTP/1.1 400 Bad\r\ncontent-length: 4\r\n\r\nmore'), [400, 'more']],
      [
        'so many',
        (socket) => socket.write('HTTP/1.1 400 Bad\r\ncontent-length: 9\r\n\r\n123456789'),
        [400, '12345678'],
      ],
      [
        'those of its chunks',
        (socket) =>
          socket.write(
            'HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n3;x\r\n123\r\n7\r\n4567890\r\n0\r\nt: x\r\n\r\n',
          ),
        [500, '12345678'],
      ],
      ['those up to its close', (socket) => socket.end('HTTP/1.0 503 Away\r\n\r\ntext'), [503, 'text']],
      [
        'those that came before it broke off',
        (socket) => socket.write(half, () => setImmediate(() => socket.end())),
        [500, 'half'],
      ],
      [
        'those of one that is longer than anybody reads',
        (socket) => socket.write(`HTTP/1.1 500 Oh\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`),
        [500, 'x'.repeat(8)],
      ],
      ['none', (socket) => socket.write('HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n'), [404, undefined]],
    ])('the first bytes are kept: %s', async (_, script, expected) => {
      expect(await kept(script)).toEqual(expected);
    });

    test('the first bytes are kept as they come, one by one', async () => {
      const answer = 'HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n';
      const drip = async (socket: Socket) => {
        for (const letter of answer) await new Promise((resolve) => socket.write(letter, resolve));
      };
      expect(await kept((socket) => void drip(socket))).toEqual([500, '12345678']);
    });

    test('keeping changes nothing of what it costs: one that is too long ends at once, with its connection', async () => {
      for (const wanted of [0, keep]) {
        await using called = await serve(createCaller, 1);
        const { server, caller } = called;
        server.script = (socket) =>
          socket.write(`HTTP/1.1 500 Oh\r\ncontent-length: 70000\r\n\r\n${'x'.repeat(70_000)}`);
        for (let n = 0; n < 3; n++) await send(caller, 'a', [], '/', wanted).answer;
        expect([wanted, server.connections]).toEqual([wanted, 3]);
      }
    });

    test('nothing is kept where nobody asked, nor of one that accepts', async () => {
      const text =
        (status: string): Script =>
        (socket) =>
          socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 2\r\n\r\nok`);
      expect(await kept(text('500 Oh'), 0)).toEqual([500, undefined]);
      expect(await kept(text('200 OK'))).toEqual([200, undefined]);
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
    ])('but %s is unknown, and the request is not sent again', async (_, script) => {
      await using called = await serve(createCaller);
      const { server, caller } = called;
      server.script = script;
      const seen = send(caller, 'a');
      expect(await seen.answer).toEqual({ type: 'unknown', reason: 'reset' });
      server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      expect(await send(caller, 'b').answer).toEqual({ type: 'answered', status: 200 });
      expect(server.bodies).toEqual(['a', 'b']);
      expect([seen.firstBytes, seen.answers.length]).toEqual([1, 1]);
    });

    test('in time: given up, unknown, told before abort returns, and the server saw one request', async () => {
      await using called = await serve(createCaller, 1);
      const { server, caller } = called;
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
      await using called = await serve(createCaller, 1);
      const { server, caller } = called;
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
      await using called = await serve(createCaller);
      const { server, caller } = called;
      await server.stop();
      const seen = send(caller, 'a');
      expect(await seen.answer).toMatchObject({ type: 'notSent', cause: { code: 'ECONNREFUSED' } });
      expect(seen.firstBytes).toBe(0);
      expect(await caller.probe()).toBe(false);
    });

    test('where the name does not resolve', async () => {
      const caller = createCaller('http://function.invalid', 2);
      const seen = send(caller, 'a');
      expect((await seen.answer).type).toBe('notSent');
      expect(seen.firstBytes).toBe(0);
      await caller.close();
    });
  });

  test('what is on the wire: HTTP/1.1, the headers of the lane, and nothing that invites surprises', async () => {
    await using called = await serve(createCaller);
    const { server, caller, url } = called;
    await send(caller, '{}', ['content-type', 'application/json', 'event-id', 'x'], '/path?q=1').answer;
    expect(server.heads[0]?.split('\r\n')).toEqual([
      'POST /path?q=1 HTTP/1.1',
      `host: ${new URL(url).host}`,
      'connection: keep-alive',
      'user-agent: test',
      'content-type: application/json',
      'event-id: x',
      'content-length: 2',
    ]);
  });

  test('an event without data is sent with the length 0', async () => {
    await using called = await serve(createCaller);
    const { server, caller } = called;
    await send(caller, '').answer;
    expect(server.heads[0]).toContain('content-length: 0');
  });

  test('one request is on a connection at a time, and connections are used again', async () => {
    await using called = await serve(createCaller, 2);
    const { server, caller } = called;
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
    await using called = await serve(createCaller);
    const { server, caller } = called;
    expect(await caller.probe()).toBe(true);
    await eventually('its connection is gone', () => server.connections === 1 && server.sockets.size === 0);
    expect(server.heads).toEqual([]);
  });

  test('an answer that was sent ahead of its request is taken by nobody', async () => {
    await using called = await serve(createCaller, 1);
    const { server, caller } = called;
    server.script = (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 299 Forged\r\ncontent-length: 0\r\n\r\n');
    expect(await send(caller, 'a').answer).toEqual({ type: 'answered', status: 200 });
    const second = await send(caller, 'b').answer;
    expect(second).not.toEqual({ type: 'answered', status: 299 });
    expect(server.bodies.filter((body) => body === 'b').length).toBeLessThanOrEqual(1);
  });

  test('2,000 calls to a server that closes, resets, half answers and refuses at random: none is received twice', async () => {
    await using called = await serve(createCaller, 16);
    const { server, caller } = called;
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

  test('a call that is given up after its end takes no other call along', async () => {
    await using called = await serve(createCaller, 1);
    const sockets: Socket[] = [];
    called.server.script = (socket) => sockets.push(socket);
    const first = send(called.caller, 'a');
    await eventually('it has come', () => sockets.length === 1);
    sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    await first.answer;
    const second = send(called.caller, 'b');
    await eventually('the next has come', () => sockets.length === 2);
    first.call.abort('timeout');
    sockets[1]?.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(await second.answer).toEqual({ type: 'answered', status: 200 });
  });

  test('close lets a call under way end, and leaves no connection', async () => {
    await using called = await serve(createCaller);
    const { server, caller } = called;
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
});
