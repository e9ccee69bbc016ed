import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Called, send, serve } from '../../../../test/support/call.ts';
import { eventually, inTime } from '../../../../test/support/eventually.ts';
import { freePort } from '../../../../test/support/port.ts';
import { systemClock } from '../../../domain/clock.ts';
import type { Answer, Caller } from '../call.ts';
import { anyAddress, callers } from '../callers.ts';
import { sharedCallers } from '../shared.ts';
import { httpCaller } from './caller.ts';

/** What becomes of the next connection. */
const net = vi.hoisted(() => ({
  fate: (): 'made' | 'hangs' | 'refused' | 'sends later' => 'made',
  hanging: [] as import('node:net').Socket[],
  sendingLater: [] as import('node:net').Socket[],
}));
vi.mock('node:net', async (original) => {
  const real = await original<typeof import('node:net')>();
  return {
    ...real,
    connect(options: import('node:net').NetConnectOpts) {
      const fate = net.fate();
      if (fate === 'made') return real.connect(options);
      if (fate === 'sends later') {
        const later = real.connect(options);
        later.cork();
        net.sendingLater.push(later);
        return later;
      }
      const socket = new real.Socket();
      if (fate === 'refused') process.nextTick(() => socket.destroy(new Error('refused')));
      else net.hanging.push(socket);
      return socket;
    },
  };
});

afterEach(() => {
  net.fate = () => 'made';
});

const createPool = httpCaller({ clock: systemClock, forbids: anyAddress });
const OK = { type: 'answered', status: 200 };
const FINE = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

test('many calls that start in one moment are answered over far fewer connections', async () => {
  await using called = await serve(createPool, 2_000);
  const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => send(called.caller, `${i}`).answer));
  expect(answers).toEqual(Array(1_000).fill(OK));
  expect(called.server.bodies.length).toBe(1_000);
  expect(called.server.connections).toBeLessThan(250);
});

test('calls that are not answered soon get a connection each', async () => {
  await using called = await serve(createPool, 2_000);
  const slow = holdSlowOnes(called);
  const came = slow.came(200);
  const answers = Array.from({ length: 200 }, (_, i) => send(called.caller, `slow ${i}`).answer);
  await came;
  expect(called.server.connections).toBe(200);
  slow.answer();
  expect(await Promise.all(answers)).toEqual(Array(200).fill(OK));
});

test('where nobody listens every call hears so at once, those that wait for a connection too', async () => {
  const caller = createPool(`http://127.0.0.1:${await freePort()}`, 500);
  const answers = await Promise.all(Array.from({ length: 500 }, () => send(caller, 'a').answer));
  expect(new Set(answers.map(({ type }) => type))).toEqual(new Set(['notSent']));
  await caller.close();
});

/** Answers bodies that begin with `slow` when it is told to, and others at once. */
function holdSlowOnes({ server }: Called) {
  const held: (() => void)[] = [];
  const waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  server.script = (socket, body) => {
    const answer = () => socket.write(FINE);
    if (body.startsWith('slow')) held.push(answer);
    else answer();
    for (const { count, resolve } of waiters) if (held.length >= count) resolve();
  };
  return {
    came: (count: number) => new Promise<void>((resolve) => waiters.push({ count, resolve })),
    answer: () => {
      for (const answer of held.splice(0)) answer();
    },
  };
}

describe.each(['http1', 'undici'] as const)('a pool of %s that is shared', (name) => {
  const createCaller = sharedCallers(callers(name, { clock: systemClock, forbids: anyAddress }));

  test('has the connections of one that leaves until its last call has ended, and nobody else waits for that', async () => {
    await using called = await serve(createPool);
    const slow = holdSlowOnes(called);
    const [a, b] = [createCaller(called.url, 2), createCaller(called.url, 1)];
    const came = slow.came(2);
    const under = [send(a, 'slow 1').answer, send(a, 'slow 2').answer];
    await came;
    const left = a.close();
    expect(await send(b, 'fast').answer).toEqual(OK);
    await b.close();
    slow.answer();
    expect(await Promise.all(under)).toEqual([OK, OK]);
    await left;
  });
});

test('a call that was given up before it was sent leaves its connection to the one that waits', async () => {
  await using called = await serve(createPool, 1);
  expect(await send(called.caller, 'first').answer).toEqual(OK);
  send(called.caller, 'given up').call.abort('aborted');
  expect(await inTime('the next is answered', send(called.caller, 'next').answer, 2_000)).toEqual(OK);
});

test('a call that takes over a connection that was idle for long begins when it is sent', async () => {
  let skew = 0;
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skew };
  await using called = await serve(httpCaller({ clock, forbids: anyAddress }), 1);
  const request = { method: 'POST', path: '/', common: [], headers: [], body: new Uint8Array() } as const;
  const begin = (started: (now: number) => void) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const call = called.caller.send(request, { firstByte: started, answer: (_, now) => resolve(now) });
    return { call, answered: promise };
  };
  for (let i = 0; i < 3; i++) await begin(() => {}).answered;
  skew = 2_000;
  begin(() => {}).call.abort('aborted');
  let startedAt = 0;
  const next = begin((now) => {
    startedAt = now;
  });
  expect((await next.answered) - startedAt).toBeLessThan(1_000);
});

describe('a server that closes a connection without a word costs no event', () => {
  test('right after its answer, while the next call waits', async () => {
    await using called = await serve(createPool, 1);
    called.server.script = (socket) => socket.end(FINE);
    const answers = ['a', 'b', 'c', 'd'].map((body) => send(called.caller, body).answer);
    expect(await Promise.all(answers)).toEqual(Array(4).fill(OK));
    expect(called.server.connections).toBe(4);
  });

  test.each([
    ['that was never used', 0],
    ['that was used once', 1],
    ['that was used often', 3],
  ])('while it is idle, and one %s is taken before the event loop has heard of it', async (_, uses) => {
    let skew = 0;
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skew };
    await using called = await serve(httpCaller({ clock, forbids: anyAddress }), 1);
    const { caller, server } = called;
    if (uses === 0) send(caller, 'given up').call.abort('aborted');
    for (let i = 0; i < uses; i++) await begin(caller).answered;
    await eventually('it is connected', () => server.sockets.size === 1);
    skew = 1_000;
    const answered = await inTurnOfRead(() => {
      for (const socket of server.sockets) socket.end();
      return begin(caller).answered;
    });
    expect(answered).toEqual(OK);
    expect(server.connections).toBe(2);
  });
});

/** A call of which it does not matter when it begins: the clock may be another than the test's. */
function begin(caller: Caller) {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const request = { method: 'POST', path: '/', common: [], headers: [], body: new Uint8Array() } as const;
  caller.send(request, { firstByte() {}, answer: (answer) => resolve(answer) });
  return { answered: promise };
}

/** Runs while the event loop hands out what it has read, as a source does that passes what it has fetched. */
async function inTurnOfRead<T>(work: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const [near, far] = await pair();
  near.once('data', () => resolve(work()));
  far.write('x');
  return promise.finally(() => {
    near.destroy();
    far.destroy();
  });
}

/** Two ends of one connection. */
async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const near = new Socket().connect(port, '127.0.0.1');
  const [far] = await once(server, 'connection');
  server.close();
  return [near, far];
}

test('a 204 that announces a body takes no other call along when that body comes', async () => {
  await using called = await serve(createPool, 1);
  // One that has answered often is used again without a look.
  for (let i = 0; i < 3; i++) expect(await send(called.caller, 'before').answer).toEqual(OK);
  const stray = 'HTTP/1.1 299 Injected\r\ncontent-length: 0\r\n\r\n';
  called.server.script = (socket) => {
    socket.write(`HTTP/1.1 204 No Content\r\ncontent-length: ${stray.length}\r\n\r\n`);
    setImmediate(() => socket.write(stray));
  };
  const answers: Answer[] = [];
  for (let i = 0; i < 20; i++) answers.push(await send(called.caller, `${i}`).answer);
  expect(answers).toEqual(Array(20).fill({ type: 'answered', status: 204 }));
});

test('a request that its socket has not sent yet stays what it is while others are written', async () => {
  await using called = await serve(createPool, 2);
  const { server, caller } = called;
  const call = (letter: string) => send(caller, letter.repeat(100), ['event-id', letter.repeat(15)]);
  net.fate = () => (net.sendingLater.length === 0 ? 'sends later' : 'made');
  const first = call('a');
  await eventually('the first is written', () => first.firstBytes === 1);
  for (const letter of ['b', 'c', 'd']) expect(await call(letter).answer).toEqual(OK);
  expect(server.bodies.map((body) => body[0])).toEqual(['b', 'c', 'd']);
  for (const socket of net.sendingLater.splice(0)) socket.uncork();
  expect(await first.answer).toEqual(OK);
  const ids = server.heads.map((head) => /event-id: (\w+)/.exec(head)?.[1]);
  expect(server.bodies).toEqual(['b', 'c', 'd', 'a'].map((letter) => letter.repeat(100)));
  expect(ids).toEqual(['b', 'c', 'd', 'a'].map((letter) => letter.repeat(15)));
});

describe('connections that are not made', () => {
  test('are not waited for when the caller closes and nobody wants them any more', async () => {
    net.fate = () => 'hangs';
    const caller = createPool('http://127.0.0.1:1', 2);
    const calls = ['a', 'b'].map((body) => send(caller, body));
    for (const { call } of calls) call.abort('aborted');
    for (const { answer } of calls) expect(await answer).toMatchObject({ type: 'notSent' });
    await inTime('it closes', caller.close(), 1_000);
    for (const socket of net.hanging.splice(0)) expect(socket.destroyed).toBe(true);
  });

  test('one that is refused tells one call, while others are under way', async () => {
    await using called = await serve(createPool, 100);
    let refused = 0;
    net.fate = () => (refused++ === 0 ? 'refused' : 'made');
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => send(called.caller, `${i}`).answer));
    expect(answers.filter(({ type }) => type === 'notSent').length).toBe(1);
    expect(answers.filter(({ type }) => type === 'answered').length).toBe(99);
  });

  test('one that hangs holds up nobody for long, though answers came before', async () => {
    await using called = await serve(createPool, 2_000);
    const slow = holdSlowOnes(called);
    await Promise.all(Array.from({ length: 500 }, () => send(called.caller, 'fast').answer));
    const busy = called.server.connections;
    const came = slow.came(busy);
    const under = Array.from({ length: busy }, () => send(called.caller, 'slow').answer);
    await came;
    net.fate = () => (net.hanging.length === 0 ? 'hangs' : 'made');
    const answers = Promise.all(Array.from({ length: 10 }, () => send(called.caller, 'fast').answer));
    expect(await inTime('all are answered', answers, 4_000)).toEqual(Array(10).fill(OK));
    for (const socket of net.hanging) socket.destroy();
    slow.answer();
    await Promise.all(under);
  });
});
