import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';
import type { Event } from '../domain/event.ts';

// The pace is p-queue's, which has no clock to inject: its timers are moved beside the lane's.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const events = (n: number, prefix = 'e'): Event[] => Array.from({ length: n }, (_, i) => event(`${prefix}${i}`));

async function run(bench: OutletBench, ms: number, step = 10): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    await vi.advanceTimersByTimeAsync(step);
    await bench.run(step, step);
  }
}

describe.each(['at once', 'deferred'] as const)('rate, where slots are filled %s', (slots) => {
  test.each([2, 10, 100])('of %i a second is kept: no second has more starts, beside one burst', async (rate) => {
    const bench = new OutletBench({ turns: slots, delivery: { rate, ttl: '60s' } });
    bench.f().takes(1);
    bench.push(...events(Math.min(1_000, rate * 8)));
    const burst = Math.max(1, Math.round(rate / 10));
    let before = bench.f().firstBytes.length;
    for (let second = 0; second < 6; second++) {
      await run(bench, 1_000);
      const started = bench.f().firstBytes.length - before;
      before += started;
      expect(started).toBeLessThanOrEqual(rate + burst);
      expect(started).toBeGreaterThanOrEqual(rate - burst);
    }
    await bench.shut();
  });

  test.each([0.2, 0.5, 1, 5])('of %f a second: a source that can wait loses nothing to it', async (rate) => {
    const bench = new OutletBench({ turns: slots, delivery: { rate } });
    bench.f().takes(1);
    void bench.source(events(1_000));
    await run(bench, 120_000, 50);
    expect(bench.report().dropped).toEqual({});
    expect(bench.report().delivered).toBeGreaterThanOrEqual(100 * rate);
    await bench.shut();
  });

  test.each([1, 1.5, 2])(
    'of %f a second: a source that waits without a deadline goes on behind a call that was slow',
    async (rate) => {
      const bench = new OutletBench({ turns: slots, delivery: { rate } });
      let calls = 0;
      bench.f().onCall = (call) => {
        call.firstByte();
        // The slow one ends beside the next: for a moment the function seems to take eight in a second.
        bench.clock.after(++calls % 4 === 0 ? 650 : 5, () => call.answer({ type: 'answered', status: 200 }));
      };
      void bench.source(events(1_000), 0, 256);
      await run(bench, 60_000, 10);
      expect(bench.report().delivered).toBeGreaterThanOrEqual(50 * rate);
      await bench.shut();
    },
  );

  test('starts that were due for expired events are not made up for in one burst', async () => {
    const bench = new OutletBench({ turns: slots, delivery: { rate: 1, ttl: '2s' } });
    bench.f().takes(1);
    bench.push(...events(32));
    await run(bench, 40_000, 50);
    const before = bench.f().firstBytes.length;
    bench.push(...events(32, 'later'));
    await turns();
    expect(bench.f().firstBytes.length - before).toBeLessThanOrEqual(1);
    await bench.shut();
  });

  test('leaves no timer behind when the lane closes with events that wait for their turn', async () => {
    const bench = new OutletBench({ turns: slots, delivery: { rate: 0.5, ttl: '60s' } });
    bench.f().takes(1);
    bench.push(...events(10));
    await run(bench, 3_000);
    const draining = bench.outlet.drain(bench.clock.monotonic() + 1_000);
    await run(bench, 1_000);
    await draining;
    await bench.outlet.close();
    await turns();
    expect([bench.clock.pending, vi.getTimerCount()]).toEqual([0, 0]);
    expect(bench.balanced).toBe(true);
  });
});
