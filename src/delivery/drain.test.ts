import { describe, expect, test } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';
import { markClaimed } from '../domain/claim.ts';

/** Whether a promise has resolved. */
function watch(promise: Promise<unknown>): { done: boolean } {
  const seen = { done: false };
  void promise.then(() => {
    seen.done = true;
  });
  return seen;
}

describe('drain', () => {
  test('resolves at once where nothing was ever passed', async () => {
    const bench = new OutletBench();
    await bench.outlet.drain(bench.clock.monotonic() + 10_000);
    expect(bench.clock.pending).toBe(0);
  });

  test('gives out nothing more, and ends the waiting for it', async () => {
    const bench = new OutletBench();
    bench.move('f', undefined);
    const waiting = bench.gate.reserve(1);
    const draining = bench.outlet.drain(bench.clock.monotonic() + 10_000);
    expect(await waiting).toMatchObject({ size: 0, reason: 'shutdown' });
    expect(await bench.gate.reserve(1)).toMatchObject({ size: 0, reason: 'shutdown' });
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'shutdown' });
    await draining;
  });

  test('finishes what was passed, the waiting ones too', async () => {
    const bench = new OutletBench({ delivery: { concurrency: 1 } });
    bench.push(event('a', 1), event('b', 1));
    const draining = watch(bench.outlet.drain(bench.clock.monotonic() + 10_000));
    bench.f().answer(200);
    await turns();
    expect(draining.done).toBe(false);
    bench.f().answer(200);
    await turns();
    expect(draining.done).toBe(true);
    expect(bench.report()).toMatchObject({ claimed: 2, delivered: 2 });
    await bench.outlet.close();
    expect(bench.clock.pending).toBe(0);
  });

  test('at its deadline gives up the rest, each under its name', async () => {
    const bench = new OutletBench({ delivery: { concurrency: 2 } });
    bench.push(event('sent', 1), event('connecting', 2), event('behind', 1), event('waiting', 3));
    bench.f().open.values().next().value?.firstByte();
    const draining = watch(bench.outlet.drain(bench.clock.monotonic() + 1_000));
    await bench.run(999, 1);
    expect(draining.done).toBe(false);
    await bench.run(1, 1);
    expect(draining.done).toBe(true);
    expect(['sent', 'connecting', 'behind', 'waiting'].map((id) => bench.outcome(id))).toEqual([
      'unknown(aborted)',
      'dropped(shutdown)',
      'dropped(shutdown)',
      'dropped(shutdown)',
    ]);
    expect(bench.f().open.size).toBe(0);
    expect(bench.f().firstBytes).toEqual(['sent']);
    await bench.outlet.close();
    expect(bench.clock.pending).toBe(0);
    expect(bench.balanced).toBe(true);
  });

  test('waits for room that a source still holds: its claim may be under way', async () => {
    const bench = new OutletBench();
    const room = bench.gate.tryReserve(2);
    const draining = watch(bench.outlet.drain(bench.clock.monotonic() + 10_000));
    await bench.run(100);
    expect(draining.done).toBe(false);
    bench.pass(room, [event('a')]);
    await turns();
    expect(draining.done).toBe(false);
    bench.f().answer(200);
    await turns();
    expect(draining.done).toBe(true);
    expect(bench.outcome('a')).toBe('delivered');
  });

  test('ends when that room is released', async () => {
    const bench = new OutletBench();
    const room = bench.gate.tryReserve(2);
    const draining = watch(bench.outlet.drain(bench.clock.monotonic() + 10_000));
    room.release();
    await turns();
    expect(draining.done).toBe(true);
    expect(bench.clock.pending).toBe(0);
  });

  test('calls nothing that is passed after its deadline, and counts it', async () => {
    const bench = new OutletBench();
    const room = bench.gate.tryReserve(2);
    const draining = watch(bench.outlet.drain(bench.clock.monotonic() + 1_000));
    await bench.run(1_000);
    expect(draining.done).toBe(true);
    bench.pass(room, [event('late')]);
    expect(bench.f().calls).toEqual([]);
    expect(bench.outcome('late')).toBe('dropped(shutdown)');
    await bench.outlet.close();
    expect(bench.clock.pending).toBe(0);
    expect(bench.balanced).toBe(true);
  });

  test('may be asked for twice, and both end', async () => {
    const bench = new OutletBench();
    bench.push(event('a'));
    const first = watch(bench.outlet.drain(bench.clock.monotonic() + 60_000));
    const second = watch(bench.outlet.drain(bench.clock.monotonic() + 30_000));
    bench.f().answer(200);
    await turns();
    expect([first.done, second.done]).toEqual([true, true]);
    await bench.outlet.close();
    expect(bench.clock.pending).toBe(0);
  });

  test('of a function that is away ends at its deadline without a call', async () => {
    const bench = new OutletBench();
    bench.f().refuses();
    bench.push(event('a'), event('b'));
    const draining = watch(bench.outlet.drain(bench.clock.monotonic() + 2_000));
    await bench.run(2_000);
    expect(draining.done).toBe(true);
    await bench.outlet.close();
    await bench.run(10_000, 100);
    expect(bench.clock.pending).toBe(0);
    expect(bench.report()).toMatchObject({ claimed: 2, dropped: { shutdown: 2 }, inFlight: 0 });
  });
});

test('a source that throws when it hears an outcome does not stop the lane', () => {
  const bench = new OutletBench({ delivery: { concurrency: 1 } });
  const room = bench.gate.tryReserve(1);
  let heard = 0;
  const thrower = () => {
    heard++;
    throw new Error('a bug of the source');
  };
  bench.outlet.account.read(1);
  room.pass(markClaimed([event('a', 1)]), thrower);
  bench.push(event('b', 1), event('c', 2));
  expect(() => bench.f().answer(200, 'a')).toThrow('a bug of the source');
  bench.push(event('d', 3));
  for (let i = 0; i < 4; i++) bench.f().answer(200);
  expect(heard).toBe(1);
  expect(bench.report()).toMatchObject({ claimed: 4, delivered: 4, inFlight: 0 });
});
