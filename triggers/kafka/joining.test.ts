import { beforeEach, expect, test } from 'vitest';
import { ClaimsBench, timedOut, Watched } from '../../test/support/claims-bench.ts';
import { loop, type ScriptedCommits } from '../../test/support/scripted-commit.ts';
import type { Claims } from './claim.ts';
import { JOIN_AFTER_MS } from './pacing.ts';

let bench: ClaimsBench;
let claims: Claims;
let commits: ScriptedCommits;
let doubts: readonly Error[];

beforeEach(() => {
  bench = new ClaimsBench();
  ({ claims, commits, doubts } = bench);
});

/** Partition 0 is out, and the broker lets it wait. */
async function oneOut(events = 0): Promise<Watched> {
  bench.join();
  const first = bench.claim(0, 10, claims.epoch, events);
  await loop();
  bench.clock.advance(JOIN_AFTER_MS);
  return first;
}

test('two requests are out where the broker lets the first one wait, for other partitions, and are answered in any order', async () => {
  const first = await oneOut();
  const second = bench.claim(1, 20);
  bench.settle(2, 30);
  await loop();
  expect(commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '10' }, { 1: '20', 2: '30' }]);
  const third = bench.claim(3, 40);
  bench.clock.advance(60_000);
  await loop();
  expect(commits.sent.length).toBe(2);
  commits.sent[1]?.accept();
  await loop();
  expect([first.outcome, second.outcome, third.outcome]).toEqual(['pending', 'done', 'pending']);
  expect(commits.last.offsets).toEqual({ 3: '40' });
  commits.sent[0]?.accept();
  commits.sent[2]?.accept();
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
  expect(commits.sent.map(({ offsets }) => offsets)).toEqual([{ 0: '10' }, { 1: '20' }]);
  commits.sent[1]?.accept();
  await loop();
  expect([commits.sent.length, again.outcome]).toEqual([2, 'pending']);
  commits.sent[0]?.accept();
  await loop();
  expect(commits.last.offsets).toEqual({ 0: '12' });
});

test('two requests are never for what is only settled: that can wait', async () => {
  await oneOut();
  bench.settle(1, 20);
  await loop();
  expect(commits.sent.length).toBe(1);
  commits.last.accept();
  await loop();
  expect(commits.last.offsets).toEqual({ 1: '20' });
});

test('two requests are not out where the broker would have more stored as unsettled than the window allows', async () => {
  let inDoubt = 60;
  claims.inDoubt = () => inDoubt;
  await oneOut(20);
  const second = bench.claim(1, 20, claims.epoch, 21);
  await loop();
  expect(commits.sent.length).toBe(1);
  const rides: number[] = [];
  claims.onGather = () => rides.push(commits.sent.length);
  commits.last.accept();
  inDoubt = 80;
  await loop();
  // Alone, with what others have settled.
  expect([commits.sent.length, rides, second.outcome]).toEqual([2, [1], 'pending']);
});

test('two requests are not out where the second would be served behind the first', async () => {
  bench.canJoin = false;
  await oneOut();
  bench.claim(1, 20);
  bench.clock.advance(60_000);
  await loop();
  expect(commits.sent.length).toBe(1);
});

test('of two requests one in doubt: the other one stands when it is answered, and nothing more is committed', async () => {
  const first = await oneOut();
  const second = bench.claim(1, 20);
  await loop();
  const waiting = bench.claim(2, 30);
  commits.sent[0]?.refuse(timedOut());
  await loop();
  commits.sent[1]?.accept();
  await loop();
  expect([first.outcome, second.outcome, waiting.outcome]).toEqual([timedOut().message, 'done', 'refused']);
  expect([commits.sent.length, doubts.length]).toEqual([2, 1]);
});

test('two requests are not of two memberships', async () => {
  await oneOut();
  claims.left();
  bench.join(2);
  bench.claim(1, 20);
  await loop();
  expect(commits.sent.length).toBe(1);
  commits.last.refuse(timedOut());
  await loop();
  expect(commits.last.offsets).toEqual({ 1: '20' });
});

test('two requests are both waited for by who leaves', async () => {
  await oneOut();
  bench.claim(1, 20);
  await loop();
  const idle = new Watched(claims.idle());
  commits.sent[0]?.accept();
  await loop();
  expect(idle.outcome).toBe('pending');
  commits.sent[1]?.accept();
  await loop();
  expect(idle.outcome).toBe('done');
});
