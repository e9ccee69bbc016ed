import type { Caller, OutgoingRequest } from '../../src/delivery/call/call.ts';
import { anyAddress, type CallerName, callers } from '../../src/delivery/call/callers.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { type BenchFunction, startFunction } from './measure.ts';

const IN_FLIGHT = 64;
const BODY = new Uint8Array(200).fill(0x78);
const TIME = '2026-11-21T11:49:02.123Z';

/** One call after another through each caller, 64 at a time, and nothing else: no lane, no ledger. */
export async function calls(count: number, rounds: number): Promise<void> {
  const target = await startFunction('fast');
  console.log(`\n${count} calls of 200 bytes and 13 headers, ${IN_FLIGHT} at a time`);
  for (let round = 0; round < rounds; round++)
    for (const name of ['undici', 'http1'] as const) await measureCaller(name, count, target);
  target.stop();
}

async function measureCaller(name: CallerName, count: number, target: BenchFunction): Promise<void> {
  const caller = callers(name, { clock: systemClock, forbids: anyAddress })(target.url.slice(0, -1), IN_FLIGHT);
  const before = process.cpuUsage();
  const start = performance.now();
  await makeCalls(caller, count);
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(before);
  await caller.close();
  const micros = ((user + system) / count).toFixed(1);
  console.log(`  ${name.padEnd(8)} ${micros.padStart(6)} us CPU a call, ${Math.round(count / seconds)} calls/s`);
}

function makeCalls(caller: Caller, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = 0;
    let open = 0;
    const next = () => {
      while (open < IN_FLIGHT && started < count) {
        open++;
        caller.send(request(started++), listener);
      }
      if (open === 0) resolve();
    };
    const listener = {
      firstByte() {},
      answer: ({ type }: { readonly type: string }) => {
        if (type !== 'answered') reject(new Error(`a call was ${type}`));
        open--;
        next();
      },
    };
    next();
  });
}

const COMMON = [
  ['content-type', 'application/json', 'user-agent', 'bench', 'event-type', 'application/json'],
  ['event-namespace', 'kafkatriggers.kubeless.io', 'event-topic', 'orders', 'ce-specversion', '1.0'],
  ['ce-source', 'kafka://bench/orders', 'ce-type', 'dev.trigate.kafka.record'],
].flat();

function request(n: number): OutgoingRequest {
  const id = String(n).padStart(15, '0');
  const headers = ['event-id', id, 'event-time', TIME, 'ce-id', id, 'ce-time', TIME, 'ce-subject', `partition:0#${n}`];
  return { method: 'POST', path: '/', common: COMMON, headers, body: BODY };
}
