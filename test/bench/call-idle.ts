import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer, Caller } from '../../src/delivery/call/call.ts';
import { anyAddress, callers } from '../../src/delivery/call/callers.ts';
import { systemClock } from '../../src/domain/clock.ts';

const CONNECTIONS = 2_000;
/** Around the 4 s after which an idle connection is closed here, and the 5 s after which a Node.js server does. */
const SHORTEST_PAUSE_MS = 3_000;
const LONGEST_PAUSE_MS = 6_000;

/**
 * The race for an idle connection: calls that come while both sides are about to close it. What the server closed before
 * the request arrived is `unknown`, and was lost.
 */
export async function callIdle(calls: number): Promise<void> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'idle-function.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  const port = String((await lines.next()).value).split(' ')[1];
  const caller = callers('http1', { clock: systemClock, forbids: anyAddress })(`http://127.0.0.1:${port}`, CONNECTIONS);
  const counts = { answered: 0, unknown: 0, notSent: 0, invalid: 0 };
  let left = calls;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (left-- > 0) {
        await pause(SHORTEST_PAUSE_MS + Math.random() * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS));
        counts[(await callOnce(caller)).type]++;
      }
    }),
  );
  await caller.close();
  server.stdin.end();
  console.log(
    `\n${calls} calls on connections that were idle for 3 to 6 s, a server that closes after 5 s:\n` +
      `  ${counts.answered} answered, ${counts.unknown} unknown, ${counts.notSent} not sent`,
  );
}

const callOnce = (caller: Caller): Promise<Answer> =>
  new Promise((resolve) => {
    caller.send(
      { method: 'POST', path: '/', common: [], headers: [], body: new Uint8Array(2) },
      { firstByte() {}, answer: resolve },
    );
  });
