import { beforeEach, expect, test } from 'vitest';
import { ClaimsBench, timedOut, Watched } from '../../test/support/claims-bench.ts';
import { loop } from '../../test/support/scripted-commit.ts';
import { JOIN_AFTER_MS } from './pacing.ts';

let bench: ClaimsBench;

beforeEach(() => {
  bench = new ClaimsBench();
});

/** Partition 0 is out, and the broker lets it wait. */
async function oneOut(events = 0): Promise<Watched> {
  bench.join();
  const first = bench.claim(0, 10, bench.claims.epoch, events);
  await loop();
  bench.clock.advance(JOIN_AFTER_MS);
  return first;
}

test('two requests are out where the broker lets the first one wait, for other partitions, and are answered in any order', async () => {
  const first = await oneOut();
  const second = bench.claim(1, 20);
  bench.settle(2, 30);
  await loop();
  expect(bench.commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '10' }, { 1: '20', 2: '30' }]);
  const third = bench.claim(3, 40);
  bench.clock.advance(60_000);
  await loop();
  expect(bench.commits.sent.length).toBe(2);
  bench.commits.sent[1]?.accept();
  await loop();
  expect([first.outcome, second.outcome, third.outcome]).toEqual(['pending', 'done', 'pending']);
  expect(bench.commits.last.offsets).toEqual({ 3: '40' });
  bench.commits.sent[0]?.accept();
  bench.commits.sent[2]?.accept();
  await loop();
  expect([first.outcome, third.outcome]).toEqual(['done', 'done']);
});

test('two requests are never for one partition: what it has to say waits for its answer', async () => {
  await oneOut();
  bench.claim(1, 20);
  bench.settle(0, 11);
  await loop();
  const again = bench.claim(0, 12);
  await loop();
  expect(bench.commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '10' }, { 1: '20' }]);
  bench.commits.sent[1]?.accept();
  await loop();
  expect([bench.commits.sent.length, again.outcome]).toEqual([2, 'pending']);
  bench.commits.sent[0]?.accept();
  await loop();
  expect(bench.commits.last.offsets).toEqual({ 0: '12' });
});

test('two requests are never for what is only settled: that can wait', async () => {
  await oneOut();
  bench.settle(1, 20);
  await loop();
  expect(bench.commits.sent.length).toBe(1);
  bench.commits.last.accept();
  await loop();
  expect(bench.commits.last.offsets).toEqual({ 1: '20' });
});

test('two requests are not out where the broker would have more stored as unsettled than the window allows', async () => {
  let inDoubt = 60;
  bench.claims.inDoubt = () => inDoubt;
  await oneOut(20);
  const second = bench.claim(1, 20, bench.claims.epoch, 21);
  await loop();
  expect(bench.commits.sent.length).toBe(1);
  const rides: number[] = [];
  bench.claims.onGather = () => rides.push(bench.commits.sent.length);
  bench.commits.last.accept();
  inDoubt = 80;
  await loop();
  // Alone, with what others have settled.
  expect([bench.commits.sent.length, rides, second.outcome]).toEqual([2, [1], 'pending']);
});

test('two requests are not out where the second would be served behind the first', async () => {
  bench.canJoin = false;
  await oneOut();
  bench.claim(1, 20);
  bench.clock.advance(60_000);
  await loop();
  expect(bench.commits.sent.length).toBe(1);
});

test('of two requests one in doubt: the other one stands when it is answered, and nothing more is committed', async () => {
  const first = await oneOut();
  const second = bench.claim(1, 20);
  await loop();
  const waiting = bench.claim(2, 30);
  bench.commits.sent[0]?.refuse(timedOut());
  await loop();
  bench.commits.sent[1]?.accept();
  await loop();
  expect([first.outcome, second.outcome, waiting.outcome]).toEqual([timedOut().message, 'done', 'refused']);
  expect([bench.commits.sent.length, bench.doubts.length]).toEqual([2, 1]);
});

test('two requests are not of two memberships', async () => {
  await oneOut();
  bench.claims.left();
  bench.join(2);
  bench.claim(1, 20);
  await loop();
  expect(bench.commits.sent.length).toBe(1);
  bench.commits.last.refuse(timedOut());
  await loop();
  expect(bench.commits.last.offsets).toEqual({ 1: '20' });
});

test('two requests are both waited for by who leaves', async () => {
  await oneOut();
  bench.claim(1, 20);
  await loop();
  const idle = new Watched(bench.claims.idle());
  bench.commits.sent[0]?.accept();
  await loop();
  expect(idle.outcome).toBe('pending');
  bench.commits.sent[1]?.accept();
  await loop();
  expect(idle.outcome).toBe('done');
});
