import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { Brake } from './brake.ts';

function setUp() {
  const clock = new ManualClock();
  const ending = new AbortController();
  const state = { lag: 100 };
  const brake = new Brake({ isPressed: () => state.lag > 50, lag: () => state.lag, pace: 5, clock });
  /** Whether the stream waits after the next change. */
  const reads = () => {
    let isWaiting = true;
    const held = brake.hold(ending.signal);
    if (held === undefined) isWaiting = false;
    void held?.then(() => {
      isWaiting = false;
    });
    return () => isWaiting;
  };
  /** Time goes on, and readers with it. */
  const pass = async (ms: number, decided: number) => {
    state.lag -= decided;
    brake.look();
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  return { clock, ending, state, reads, pass };
}

describe('a stream and its brake', () => {
  test('waits until the readers have got on', async () => {
    const { clock, state, reads, pass } = setUp();
    const isWaiting = reads();
    for (let i = 0; i < 4; i++) await pass(500, 10);
    expect(isWaiting()).toBe(true);
    await pass(0, 10);
    expect(isWaiting()).toBe(false);
    expect(clock.pending).toBe(0);
    state.lag = 50;
    expect(reads()()).toBe(false);
  });

  test('waits for no reader that is slow, until one has caught up', async () => {
    const { state, reads, pass } = setUp();
    const isWaiting = reads();
    await pass(500, 4);
    expect(isWaiting()).toBe(false);
    expect(reads()()).toBe(false);
    state.lag = 0;
    await pass(4_000, 0);
    expect(reads()()).toBe(false);
    state.lag = 100;
    expect(reads()()).toBe(true);
  });

  test('waits 30 s at most, and after that for a quarter of the time in which it did not have to', async () => {
    const { state, reads, pass } = setUp();
    state.lag = 1_000;
    const first = reads();
    for (let i = 0; i < 59; i++) await pass(500, 5);
    expect(first()).toBe(true);
    await pass(500, 5);
    expect(first()).toBe(false);
    const { lag } = state;
    state.lag = 0;
    await pass(4_000, 0);
    reads();
    state.lag = lag;
    const second = reads();
    await pass(500, 5);
    expect(second()).toBe(true);
    await pass(500, 5);
    expect(second()).toBe(false);
  });

  test('waits no longer when the watch is over', async () => {
    const { clock, ending, reads } = setUp();
    const isWaiting = reads();
    ending.abort();
    await new Promise(setImmediate);
    expect(isWaiting()).toBe(false);
    expect(clock.pending).toBe(0);
  });
});
