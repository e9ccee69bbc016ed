import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { loop } from '../../test/support/scripted-commit.ts';
import { type Departure, JOIN_AFTER_MS, Pacing } from './pacing.ts';

let clock: ManualClock;
let canJoin: boolean;
let pacing: Pacing;
/** Who got a turn, in order. */
let admitted: string[];

beforeEach(() => {
  clock = new ManualClock();
  canJoin = true;
  pacing = new Pacing(clock, () => canJoin);
  admitted = [];
});

async function come(...names: readonly string[]): Promise<void> {
  for (const name of names) void pacing.turn().then(() => admitted.push(name));
  await loop();
}

async function answered(departure: Departure, afterMs = 0): Promise<void> {
  clock.advance(afterMs);
  pacing.answered(departure);
  await loop();
}

test('where nothing is out, who comes may leave', async () => {
  await come('a', 'b');
  expect([admitted, pacing.mayLeave]).toEqual([['a', 'b'], true]);
});

test('who comes while one is out waits, and all may leave when it is answered at once', async () => {
  const first = pacing.sent();
  await come('a', 'b', 'c');
  expect([admitted, pacing.mayLeave]).toEqual([[], false]);
  await answered(first, JOIN_AFTER_MS - 1);
  expect([admitted, pacing.isCollecting]).toEqual([['a', 'b', 'c'], false]);
});

test('one that is out for long can be joined, once', async () => {
  const first = pacing.sent();
  await come('a');
  clock.advance(JOIN_AFTER_MS - 1);
  await loop();
  expect(admitted).toEqual([]);
  clock.advance(1);
  await come('b');
  expect([admitted, pacing.mayLeave]).toEqual([['a', 'b'], true]);
  const second = pacing.sent();
  await come('c');
  clock.advance(60_000);
  await loop();
  expect([admitted, pacing.mayLeave]).toEqual([['a', 'b'], false]);
  await answered(first);
  await answered(second);
  expect(admitted).toEqual(['a', 'b', 'c']);
});

describe('where the broker collects', () => {
  beforeEach(async () => {
    await answered(pacing.sent(), 6);
    expect(pacing.isCollecting).toBe(true);
    const first = pacing.sent();
    clock.advance(JOIN_AFTER_MS);
    const second = pacing.sent();
    await come('a', 'b');
    clock.advance(JOIN_AFTER_MS);
    pacing.answered(first);
    pacing.answered(second);
    // Who was answered comes again in the same turn.
    await come('c');
  });

  test('the first of those who wait leaves, and the others join it', async () => {
    expect(admitted).toEqual(['a']);
    pacing.sent();
    await come('d');
    clock.advance(JOIN_AFTER_MS - 1);
    await loop();
    expect(admitted).toEqual(['a']);
    clock.advance(1);
    await loop();
    expect(admitted).toEqual(['a', 'b', 'c', 'd']);
  });

  test('the others are admitted all the same when the first has nothing to send', async () => {
    clock.advance(JOIN_AFTER_MS);
    await loop();
    expect(admitted).toEqual(['a', 'b', 'c']);
  });

  test('the others are admitted when the first was answered at once after all', async () => {
    await answered(pacing.sent());
    expect([admitted, pacing.isCollecting]).toEqual([['a', 'b', 'c'], false]);
  });
});

test('where a second one has no connection all may leave together, when the first is answered', async () => {
  canJoin = false;
  await answered(pacing.sent(), 6);
  const first = pacing.sent();
  await come('a', 'b', 'c');
  clock.advance(60_000);
  await loop();
  expect([admitted, pacing.mayLeave]).toEqual([[], false]);
  await answered(first);
  expect(admitted).toEqual(['a', 'b', 'c']);
});

test('what joined says nothing of whether the broker collects', async () => {
  const first = pacing.sent();
  clock.advance(5);
  const second = pacing.sent();
  await answered(first, 1);
  expect(pacing.isCollecting).toBe(true);
  await answered(second);
  expect(pacing.isCollecting).toBe(true);
  await answered(pacing.sent());
  expect(pacing.isCollecting).toBe(false);
});

test('nobody waits for ever, whatever is answered when, and at most two are out', async () => {
  const out: Departure[] = [];
  let waiting = 0;
  for (let step = 0; step < 600; step++) {
    if (step % 3 !== 0) {
      waiting++;
      void pacing.turn().then(() => {
        waiting--;
        if (pacing.mayLeave && step % 5 !== 0) out.push(pacing.sent());
      });
    }
    clock.advance((step * 7) % 4);
    await loop(1);
    expect(out.length).toBeLessThanOrEqual(2);
    const [oldest] = out;
    if (oldest !== undefined && step % 4 !== 1) pacing.answered(out.splice(step % out.length, 1)[0] ?? oldest);
    await loop(1);
  }
  for (let i = 0; i < 10 && (out.length > 0 || waiting > 0); i++) {
    for (const one of out.splice(0)) pacing.answered(one);
    clock.advance(2 * JOIN_AFTER_MS);
    await loop();
  }
  expect(waiting).toBe(0);
});
