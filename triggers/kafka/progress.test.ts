import { beforeEach, expect, test } from 'vitest';
import type { Passage } from '../../src/sdk.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { OutletBench } from '../../test/support/outlet.ts';
import { OwnedPartition } from './partition.ts';
import { KafkaProgress } from './progress.ts';

const REBALANCE = 105_000;

let clock: ManualClock;
let owned: Map<number, OwnedPartition>;
let progress: KafkaProgress;

beforeEach(() => {
  clock = new ManualClock();
  owned = new Map();
  progress = made();
});

const made = (paused = false) =>
  new KafkaProgress({ topic: 'orders', clock, paused, rebalance: REBALANCE, owned: () => owned.values() });

function join(...partitions: readonly number[]): void {
  owned = new Map(partitions.map((each) => [each, new OwnedPartition(each, 100, 'me', ['f'], new Map(), () => {})]));
  progress.joined([]);
}

/** Claims so many events. */
function claim(partition: number, events: number): void {
  const one = owned.get(partition);
  if (one === undefined) throw new Error(`partition ${partition} is not ours`);
  const offsets = Array.from({ length: events }, (_, i) => one.position + i);
  one.claimed({ offsets, dropped: [], position: one.position + events });
  progress.claimed(partition);
}

/** @param reached what was claimed up to there, or holds nothing to be claimed */
function fetched(partition: number, end: number, reached?: number): void {
  progress.fetched({ partition, end });
  if (reached !== undefined) progress.reached(partition, reached);
}

const lags = () => progress.progress().parts.map(({ name, lag }) => `${name}: ${lag}`);

test('the lag is what lies between the claimed position and the end that a fetch told', () => {
  join(0, 3);
  expect(lags()).toEqual(['orders/0: undefined', 'orders/3: undefined']);
  fetched(0, 130);
  fetched(3, 100, 100);
  expect(lags()).toEqual(['orders/0: 30', 'orders/3: 0']);
  claim(0, 10);
  expect(lags()).toEqual(['orders/0: 20', 'orders/3: 0']);
});

test('markers of transactions are passed over, and are no lag', () => {
  join(0);
  fetched(0, 101, 101);
  expect(lags()).toEqual(['orders/0: 0']);
});

test('where nothing is fetched the end is known from who has asked', () => {
  join(0, 1);
  expect(progress.isToldSince(clock.monotonic())).toBe(false);
  progress.told(
    new Map([
      [0, 140],
      [1, 100],
      [2, 900],
    ]),
  );
  expect(lags()).toEqual(['orders/0: 40', 'orders/1: 0']);
  clock.advance(30_000);
  fetched(0, 150);
  expect(progress.isToldSince(clock.monotonic() - 1)).toBe(false);
  fetched(1, 100, 100);
  expect(progress.isToldSince(clock.monotonic() - 1)).toBe(true);
});

test('how far a position is behind that is gone nobody can say', () => {
  join(0);
  progress.joined([0]);
  progress.told(new Map([[0, 900]]));
  expect(lags()).toEqual(['orders/0: undefined']);
});

test('of partitions that lag the one counts that has stood still longest; without any, the one that moved last', () => {
  join(0, 1, 2);
  clock.advance(10_000);
  for (const partition of [0, 1, 2]) fetched(partition, 100, 100);
  clock.advance(10_000);
  fetched(0, 100, 100);
  expect(progress.progress().movedAt).toBe(20_000);
  fetched(1, 105);
  fetched(2, 105);
  clock.advance(10_000);
  claim(1, 1);
  expect(progress.progress().movedAt).toBe(10_000);
  claim(2, 1);
  expect(progress.progress().movedAt).toBe(30_000);
});

test('a member without partitions has nothing to claim, and sees it all the time', () => {
  join();
  clock.advance(600_000);
  expect(progress.progress()).toMatchObject({ parts: [], movedAt: 600_000, held: false });
});

test('a fetch that brings events is no progress before they are claimed', () => {
  join(0);
  clock.advance(10_000);
  fetched(0, 130);
  expect(progress.progress().movedAt).toBe(0);
});

test('it is held while it waits for room, while a window is full, and while the trigger is paused', async () => {
  join(0);
  const bench = new OutletBench({ delivery: { concurrency: 1, room: 1 } });
  const gate = progress.watched(bench.gate);
  expect(progress.progress().held).toBe(false);
  const room = await gate.reserve(1);
  const waiting = gate.reserve(1);
  expect(progress.progress().held).toBe(true);
  room.release();
  (await waiting).release();
  expect(progress.progress().held).toBe(false);
  await bench.shut();

  claim(0, 1);
  void owned.get(0)?.advanced(clock, 1_000);
  expect(progress.progress().held).toBe(true);
  clock.advance(1_000);

  progress = made(true);
  expect(progress.progress().held).toBe(true);
});

test('a rebalance holds it for as long as one may take; joining again and again is no progress', () => {
  join(0);
  expect(progress.progress().rebalances).toBe(0);
  clock.advance(1_000);
  for (let time = 0; time < REBALANCE; time += 5_000) {
    progress.leaving();
    progress.joined([]);
    expect(progress.progress().held).toBe(true);
    clock.advance(5_000);
  }
  expect(progress.progress()).toMatchObject({ held: false, movedAt: 0, rebalances: 21 });
  fetched(0, 100, 100);
  progress.leaving();
  expect(progress.progress().held).toBe(true);
});

test('a partition that was lost and comes back begins anew', () => {
  join(0, 1);
  progress.told(new Map([[1, 140]]));
  join(0);
  clock.advance(50_000);
  join(0, 1);
  expect(lags()).toEqual(['orders/0: undefined', 'orders/1: undefined']);
  progress.told(new Map([[1, 140]]));
  expect(progress.progress().movedAt).toBe(50_000);
});

test('what a crash would leave in doubt is counted until its settling is stored', () => {
  join(0);
  const one = owned.get(0);
  const inDoubt = () => progress.progress().parts[0]?.unsettled;
  const passage: Passage = { disown() {}, abort() {} };
  const chunk = { passage, left: 3 };
  one?.claimed({ offsets: [100, 101, 102], dropped: [], position: 103 });
  const settle = (offset: number) => one?.settled(offset, [{ type: 'delivered', status: 200, ms: 1 }], chunk);
  settle(100);
  settle(101);
  expect(inDoubt()).toBe(3);
  one?.stored();
  settle(102);
  expect(inDoubt()).toBe(3);
  one?.recorded();
  expect(inDoubt()).toBe(1);
  // One that is refused records nothing.
  one?.stored();
  one?.markDirty();
  expect(inDoubt()).toBe(1);
  one?.stored();
  one?.recorded();
  expect(inDoubt()).toBe(0);
});
