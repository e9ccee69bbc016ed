import { describe, expect, test } from 'vitest';
import { event, nameOf, OutletBench, turns } from '../../test/support/outlet.ts';
import type { Event } from '../domain/event.ts';
import { noCounts } from '../domain/ledger.ts';

const events = (n: number, order: (i: number) => number | null = () => null): Event[] =>
  Array.from({ length: n }, (_, i) => event(`e${i}`, order(i)));

const TURNS = ['at once', 'deferred'] as const;

describe('shared fan-out', () => {
  test('an event is settled once, when every function has its outcome, in the order of the functions', () => {
    const bench = new OutletBench({ functions: ['f', 'g'] });
    bench.push(event('a'));
    bench.f('g').answer(500);
    expect(bench.settled.size).toBe(0);
    bench.f('f').answer(200);
    expect(bench.settled.get('a')?.map(nameOf)).toEqual(['delivered', 'rejected']);
  });

  test('every function gets the same request, at its own path', () => {
    const bench = new OutletBench({ functions: ['f', 'g', 'h'] });
    bench.move('h', 'http://h/own?path=1');
    bench.push(event('a'));
    const [f, g, h] = ['f', 'g', 'h'].map((name) => bench.f(name).calls[0]?.request);
    expect(f?.path).toBe('/');
    expect(g).toBe(f);
    expect(h).toEqual({ ...f, path: '/own?path=1' });
  });

  test('there is as much room as in the fullest lane, and all of them are charged', () => {
    const bench = new OutletBench({ functions: ['f', 'g'], delivery: { room: 10, concurrency: 2 } });
    bench.push(...events(6));
    bench.f('g').answer(200);
    bench.f('g').answer(200);
    bench.f('g').answer(200);
    expect(bench.gate.tryReserve(100).size).toBe(6);
    expect(bench.gate.tryReserve(100).size).toBe(0);
  });

  test.each(TURNS)(
    'a dead function holds the others up for `stall`, no longer, and loses its copies, counted: slots filled %s',
    async (turns) => {
      const bench = new OutletBench({ turns, functions: ['f', 'g'], delivery: { stall: '10s' } });
      bench.f('f').takes(5);
      bench.f('g').takes(5);
      void bench.source(events(40_000));
      await bench.run(1_000);
      bench.f('g').refuses();
      await bench.run(5_000);
      const before = bench.report('f').delivered;
      await bench.run(4_900);
      const held = bench.report('f').delivered;
      await bench.run(20_000);
      expect(held - before).toBeLessThanOrEqual(1);
      expect(bench.report('f').delivered).toBeGreaterThan(held + 1_000);
      expect(bench.report('f').dropped).toEqual({});
      expect(bench.report('g').dropped.unreachable).toBeGreaterThan(0);
      expect(bench.balanced).toBe(true);
    },
  );

  test.each(TURNS)('a function that comes back gets events again, all of them: slots filled %s', async (turns) => {
    const bench = new OutletBench({ turns, functions: ['f', 'g'], delivery: { stall: '1s', ttl: '2s' } });
    bench.f('f').takes(5);
    bench.f('g').refuses();
    void bench.source(events(200_000));
    await bench.run(6_000);
    bench.f('g').isListening = true;
    bench.f('g').takes(5);
    await bench.run(6_000);
    const { claimed, dropped, delivered } = bench.report('g');
    await bench.run(2_000);
    const after = bench.report('g');
    expect(after.delivered - delivered).toBeGreaterThan(500);
    expect(after.dropped).toEqual(dropped);
    expect(after.claimed).toBeGreaterThan(claimed);
    expect(bench.report('f').dropped).toEqual({});
    expect(bench.balanced).toBe(true);
  });

  test.each([50, 1_000, 3_000])(
    'a function that is slow (%i ms) but answers is never taken for stalled: it loses nothing',
    async (ms) => {
      const bench = new OutletBench({ functions: ['f', 'g'], delivery: { concurrency: 2, stall: '5s' } });
      bench.f('f').takes(1);
      bench.f('g').takes(ms);
      void bench.source(
        events(20_000, (i) => i),
        300,
      );
      await bench.run(120_000, 25);
      for (const name of ['f', 'g']) expect(bench.report(name).dropped).toEqual({});
      expect(bench.report('g').delivered).toBeGreaterThan((0.5 * 2 * 120_000) / (ms + 1_500));
    },
  );

  test('tryReserve does not let a dead function hold up the others beyond `stall`', async () => {
    const bench = new OutletBench({ functions: ['f', 'g'], delivery: { stall: '3s', room: 10 } });
    bench.f('f').takes(1);
    bench.move('g', undefined);
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'no_endpoint' });
    await bench.run(3_000);
    bench.push(event('a'));
    await bench.run(10);
    expect(bench.settled.get('a')?.map(nameOf)).toEqual(['delivered', 'dropped(no_endpoint)']);
  });

  test('a function that was full once, and is gone much later, is waited for as long as any', async () => {
    const bench = new OutletBench({ functions: ['f', 'g'], delivery: { stall: '10s', concurrency: 1, room: 1 } });
    bench.push(event('a', 1));
    bench.push(event('b', 1));
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'overflow' });
    for (const name of ['f', 'g', 'f', 'g']) bench.f(name).answer(200);
    await bench.run(60_000, 100);
    bench.move('g', undefined);
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'no_endpoint' });
    await bench.run(9_900, 100);
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'no_endpoint' });
    await bench.run(200, 100);
    expect(bench.gate.tryReserve(1).size).toBe(1);
  });

  test('a source that cannot wait loses copies while there is no room, and none beside free room', async () => {
    const bench = new OutletBench({ functions: ['f', 'g'], delivery: { room: 100, concurrency: 1, stall: '1s' } });
    bench.f('f').takes(1);
    const dropped = () => bench.report('g').dropped.overflow ?? 0;
    let i = 0;
    const arrive = () => {
      const room = bench.gate.tryReserve(1);
      if (room.size > 0) bench.pass(room, [event(`e${i++}`)]);
    };
    for (let n = 0; n < 110; n++) arrive();
    for (let n = 0; n < 15; n++) {
      await bench.run(100);
      arrive();
    }
    const before = dropped();
    expect(before).toBeGreaterThan(0);
    // Far more wait than it takes in a second.
    for (let n = 0; n < 10; n++) bench.f('g').answer(200, `e${n}`);
    bench.f('g').takes(200);
    for (let second = 0; second < 5; second++) {
      arrive();
      await bench.run(1_000);
    }
    expect(bench.report('g').inFlight).toBeGreaterThan(50);
    expect(dropped()).toBe(before);
    expect(bench.balanced).toBe(true);
    await bench.shut();
  });

  test('who loses its events to another owner counts no copy of those that are not finished', () => {
    const bench = new OutletBench({ functions: ['f', 'g'] });
    const { account } = bench.outlet;
    const passage = bench.pass(bench.gate.tryReserve(3), events(3));
    bench.f('f').answer(200, 'e0', 'e1');
    bench.f('g').answer(500, 'e1');
    // What the other owner has found: three are claimed, and one of them is finished.
    const finished = {
      f: { ...noCounts(), read: 3, claimed: 3, delivered: 1 },
      g: { ...noCounts(), read: 3, claimed: 3, rejected: 1 },
    };
    passage.disown();
    for (const [name, counts] of Object.entries(finished)) account.release(name, counts);
    expect(bench.balanced).toBe(true);
    bench.f('f').answer(200);
    bench.f('g').answer(200);
    expect(bench.balanced).toBe(true);
    for (const name of ['f', 'g'])
      expect(bench.report(name)).toMatchObject({ read: 0, claimed: 0, delivered: 0, rejected: 0, inFlight: 0 });
  });

  test('when every function is dead nothing is claimed', async () => {
    const bench = new OutletBench({ functions: ['f', 'g'], delivery: { stall: '1s' } });
    bench.move('f', undefined);
    bench.move('g', undefined);
    void bench.source(events(1_000));
    await bench.run(60_000, 100);
    expect(bench.report('f').claimed).toBe(0);
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'no_endpoint' });
  });

  test('a shared gate that closes while sources wait leaves no timer', async () => {
    const bench = new OutletBench({ functions: ['f', 'g'] });
    bench.move('g', undefined);
    const rooms = Promise.all([bench.gate.reserve(1), bench.gate.reserve(1, bench.clock.monotonic() + 90_000)]);
    await bench.run(700);
    await bench.outlet.drain(bench.clock.monotonic());
    await bench.outlet.close();
    expect((await rooms).map((room) => [room.size, room.reason])).toEqual([
      [0, 'shutdown'],
      [0, 'shutdown'],
    ]);
    await turns();
    expect(bench.clock.pending).toBe(0);
  });
});
