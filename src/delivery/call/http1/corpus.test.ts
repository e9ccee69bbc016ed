import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rows } from '../../../../test/corpus/answers.ts';
import { type Called, send, serve } from '../../../../test/support/call.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { systemClock } from '../../../domain/clock.ts';
import type { CallerFactory } from '../call.ts';
import { anyAddress } from '../callers.ts';
import { undiciCaller } from '../undici.ts';
import { httpCaller } from './caller.ts';

const ours = httpCaller({ clock: systemClock, forbids: anyAddress });
const undici = undiciCaller({ clock: systemClock, forbids: anyAddress });
const FINE = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** What came of an answer, written as in the corpus. */
async function outcome(createCaller: CallerFactory, text: string, pieces: readonly number[] = []): Promise<string> {
  await using called = await serve(createCaller, 1);
  const { server, caller } = called;
  const first = Promise.withResolvers<void>();
  server.script = (socket) => {
    server.script = (other) => other.write(FINE);
    void writeIn(pieces, text.replace(/^\$/, ''), (piece) => socket.write(Buffer.from(piece, 'latin1'))).then(() => {
      if (text.startsWith('$')) socket.end();
      first.resolve();
    });
  };
  const seen = send(caller, 'a');
  await first.promise;
  const ended = await endOf(called, seen.answer);
  if (!ended) seen.call.abort('timeout');
  const answer = await seen.answer;
  const status = answer.type === 'answered' ? String(answer.status) : '?';
  if (!ended) return status === '?' ? '...' : `${status}...`;
  expect(seen.answers.length).toBe(1);
  return status === '?' ? '?' : `${status}${(await isUsedAgain(called)) ? '+' : ''}`;
}

/** Whether the answer comes by itself: by the time at which the server has seen that it was read, or its connection closed. */
async function endOf({ server }: Called, answer: Promise<unknown>): Promise<boolean> {
  let ended = false;
  void answer.then(() => {
    ended = true;
  });
  await eventually('what was sent has left', () => [...server.sockets].every((socket) => socket.writableLength === 0));
  for (let turns = 0; turns < 30 && !ended; turns++) await turn();
  return ended;
}

async function isUsedAgain({ server, caller }: Called): Promise<boolean> {
  const before = server.connections;
  await send(caller, 'b').answer;
  return server.connections === before;
}

async function writeIn(sizes: readonly number[], text: string, write: (piece: string) => void): Promise<void> {
  let from = 0;
  for (const size of sizes) {
    if (from + size >= text.length) break;
    write(text.slice(from, from + size));
    from += size;
    await turn();
  }
  write(text.slice(from));
}

const wire = (text: string): string => text.replaceAll('|', '\r\n');
const name = (text: string): string =>
  JSON.stringify(text.length > 150 ? `${text.slice(0, 140)}… (${text.length})` : text);
const readable = rows.map(([group, text, expected, other]) => ({ group, text, expected, other, name: name(text) }));

test('there are more than 300 answers', () => {
  expect(rows.length).toBeGreaterThan(300);
  expect(new Set(rows.map(([, text]) => text)).size).toBeGreaterThan(300);
});

describe('the answer', () => {
  test.each(readable)('$group: $name is $expected', async ({ text, expected }) => {
    expect(await outcome(ours, wire(text))).toBe(expected);
  });
});

describe('undici takes it for the same, or the difference is written down', () => {
  test.each(readable.filter(({ other }) => other === undefined))('$group: $name', async ({ text, expected }) => {
    expect((await outcome(undici, wire(text))).replace('+', '')).toBe(expected.replace('+', ''));
  });
});

test('in whatever pieces an answer comes, it is the same answer', async () => {
  const row = fc.constantFrom(...readable.filter(({ text }) => text.length < 400));
  const pieces = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(row, pieces, async ({ text, expected }, sizes) => {
      const got = await outcome(ours, wire(text), sizes);
      // What comes late, after a whole answer, is seen on an idle connection.
      const isSame = got === expected || (got === `${expected}+` && /^\d+$/.test(expected));
      expect(isSame, `${name(text)} in pieces of ${sizes}: ${got} instead of ${expected}`).toBe(true);
    }),
    { numRuns: 200 },
  );
}, 60_000);
