import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { Progress, Source } from '../domain/kind.ts';
import { Watchdog } from './watchdog.ts';

const STALL_AFTER = 60_000;

let clock: ManualClock;
let dog: Watchdog;
let heals: number;
let stalls: string[];
/** What the source says of itself. */
let says: { lag: number | undefined; movedAt: number; held: boolean };

beforeEach(() => {
  clock = new ManualClock();
  heals = 0;
  stalls = [];
  dog = new Watchdog({ clock, stallAfter: STALL_AFTER, onLook() {}, onHeal: () => heals++ });
  says = { lag: 0, movedAt: 0, held: false };
});

function progress(): Progress {
  const { lag, movedAt, held } = says;
  return { parts: [{ name: 'orders/3', lag, unsettled: 0 }], movedAt, held, rebalances: 0 };
}

/** A source that is opened now. */
function watch() {
  says = { ...says, movedAt: clock.monotonic() };
  const source: Source = { close: () => Promise.resolve(), progress };
  return dog.watch(source, ({ message }) => stalls.push(message));
}

const move = () => {
  says = { ...says, movedAt: clock.monotonic() };
};

describe('a source', () => {
  test('that has work and does not move has stalled, and is told of once', () => {
    watch();
    says = { ...says, lag: 12 };
    clock.advance(STALL_AFTER - 1);
    expect(stalls).toEqual([]);
    clock.advance(600_000);
    const seen = '12 events wait in orders/3, nothing holds them, and none was claimed for 60 s';
    expect(stalls).toEqual([`${seen}: the source is opened anew`]);
    expect(dog.stalls).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('that moves has not stalled, however far behind it is', () => {
    watch();
    for (let minute = 0; minute < 60; minute++) {
      says = { ...says, lag: 1_000 * minute };
      move();
      clock.advance(STALL_AFTER - 10_000);
    }
    expect(stalls).toEqual([]);
  });

  test.each([
    ['has no work', { lag: 0 }],
    ['does not know its work', { lag: undefined }],
    ['is held', { lag: 12, held: true }],
  ])('that %s may stand still', (_what, state) => {
    watch();
    says = { ...says, ...state };
    clock.advance(3_600_000);
    expect(stalls).toEqual([]);
  });

  test('that was held has all the time again when it is held no more', () => {
    watch();
    says = { ...says, lag: 12, held: true };
    clock.advance(3_600_000);
    says = { ...says, held: false };
    clock.advance(STALL_AFTER - 10_000);
    expect(stalls).toEqual([]);
    clock.advance(10_000);
    expect(stalls.length).toBe(1);
  });

  test('that is watched no more is not told of', () => {
    const unwatch = watch();
    says = { ...says, lag: 12 };
    clock.advance(STALL_AFTER / 2);
    unwatch();
    clock.advance(STALL_AFTER);
    expect([stalls, clock.pending]).toEqual([[], 0]);
  });

  test('that has nothing to lag behind is left alone', () => {
    dog.watch({ close: () => Promise.resolve() }, () => stalls.push('stalled'));
    expect(clock.pending).toBe(0);
  });
});

describe('when the next source', () => {
  /** Opened anew, it stands still to the end. */
  const stall = () => {
    watch();
    says = { ...says, lag: 12 };
    clock.advance(STALL_AFTER);
  };

  beforeEach(() => {
    stall();
    expect(dog.stuck).toBeUndefined();
  });

  test('stalls too, a person is told what is seen and what to do, until it moves', () => {
    stall();
    expect(dog.stuck).toContain('12 events wait in orders/3');
    expect(dog.stuck).toContain('look whether the broker is well');
    stall();
    expect(dog.stalls).toBe(3);
    watch();
    clock.advance(10_000);
    expect(dog.stuck).toBeDefined();
    move();
    clock.advance(5_000);
    expect([dog.stuck, heals]).toEqual([undefined, 1]);
  });

  test('has nothing left to claim, all is well again', () => {
    stall();
    watch();
    says = { ...says, lag: 0 };
    clock.advance(5_000);
    expect([dog.stuck, heals]).toEqual([undefined, 1]);
  });

  test('does not know yet what waits, nothing is better', () => {
    stall();
    watch();
    says = { ...says, lag: undefined };
    clock.advance(5_000);
    expect(dog.stuck).toBeDefined();
  });

  test('moves and stalls again later, that is a first time', () => {
    watch();
    clock.advance(1_000);
    move();
    clock.advance(5_000);
    says = { ...says, lag: 3 };
    clock.advance(STALL_AFTER);
    expect([stalls.length, dog.stuck]).toEqual([2, undefined]);
  });
});

test('the part where most events wait is named, with the number of the others', () => {
  const parts = [4, 90, 7].map((lag, i) => ({ name: `orders/${i}`, lag, unsettled: 0 }));
  const source: Source = {
    close: () => Promise.resolve(),
    progress: () => ({ parts, movedAt: 0, held: false, rebalances: 0 }),
  };
  dog.watch(source, ({ message }) => stalls.push(message));
  clock.advance(STALL_AFTER);
  expect(stalls[0]).toContain('101 events wait in orders/1 and 2 others,');
});
