import { expect, test } from 'vitest';
import { send, serve } from '../../../../test/support/call.ts';
import { freePort } from '../../../../test/support/port.ts';
import { systemClock } from '../../../domain/clock.ts';
import { sharedCallers } from '../shared.ts';
import { httpCaller } from './caller.ts';

const createPool = httpCaller({ clock: systemClock, forbids: () => false });
const OK = { type: 'answered', status: 200 };

test('many calls that start in one moment are answered over far fewer connections', async () => {
  await using called = await serve(createPool, 2_000);
  const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => send(called.caller, `${i}`).answer));
  expect(answers).toEqual(Array(1_000).fill(OK));
  expect(called.server.bodies.length).toBe(1_000);
  expect(called.server.connections).toBeLessThan(250);
});

test('calls that are not answered soon get a connection each', async () => {
  await using called = await serve(createPool, 2_000);
  const waiting: (() => void)[] = [];
  const all = Promise.withResolvers<void>();
  called.server.script = (socket) => {
    waiting.push(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    if (waiting.length === 200) all.resolve();
  };
  const answers = Array.from({ length: 200 }, (_, i) => send(called.caller, `${i}`).answer);
  await all.promise;
  expect(called.server.connections).toBe(200);
  for (const answer of waiting) answer();
  expect(await Promise.all(answers)).toEqual(Array(200).fill(OK));
});

test('where nobody listens every call hears so at once, those that wait for a connection too', async () => {
  const caller = createPool(`http://127.0.0.1:${await freePort()}`, 500);
  const answers = await Promise.all(Array.from({ length: 500 }, () => send(caller, 'a').answer));
  expect(new Set(answers.map(({ type }) => type))).toEqual(new Set(['notSent']));
  await caller.close();
});

test('whoever shares a pool brings connections of its own, and leaves the others theirs', async () => {
  await using called = await serve(createPool);
  const createCaller = sharedCallers(createPool);
  const [a, b] = [createCaller(called.url, 1), createCaller(called.url, 1)];
  const both = Promise.withResolvers<void>();
  const waiting: (() => void)[] = [];
  called.server.script = (socket) => {
    waiting.push(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    if (waiting.length === 2) both.resolve();
  };
  const answers = [send(a, 'a').answer, send(b, 'b').answer];
  await both.promise;
  // It goes while its call is under way.
  await a.close();
  for (const answer of waiting) answer();
  expect(await Promise.all(answers)).toEqual([OK, OK]);
  called.server.script = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  expect(await send(b, 'c').answer).toEqual(OK);
  expect(called.server.connections).toBe(2);
  await b.close();
});
