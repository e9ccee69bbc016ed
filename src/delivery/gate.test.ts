import { describe, expect, test } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';
import type { Event } from '../domain/event.ts';
import type { Room } from '../domain/kind.ts';

const events = (n: number, prefix = 'e', order: (i: number) => number | null = () => null): Event[] =>
  Array.from({ length: n }, (_, i) => event(`${prefix}${i}`, order(i)));

/** What a promise of room has come to, without waiting for it. */
function watch(promise: Promise<Room>): { room: Room | undefined } {
  const seen: { room: Room | undefined } = { room: undefined };
  void promise.then((room) => {
    seen.room = room;
  });
  return seen;
}

describe('room', () => {
  test('a function that was never called gets a few events, not all that may wait', async () => {
    const bench = new OutletBench();
    expect((await bench.gate.reserve(1_000)).size).toBeLessThanOrEqual(4);
  });

  test('a source that cannot wait gets all that may wait', () => {
    expect(new OutletBench({ delivery: { room: 100 } }).gate.tryReserve(1_000).size).toBe(100);
  });

  test('what is reserved is taken', () => {
    const bench = new OutletBench({ delivery: { room: 10 } });
    expect([bench.gate.tryReserve(7).size, bench.gate.tryReserve(7).size, bench.gate.tryReserve(7).size]).toEqual([
      7, 3, 0,
    ]);
  });

  test.each([1, 2, 5])('never more is waiting and reserved than a room of %i', async (room) => {
    const bench = new OutletBench({ delivery: { room, concurrency: 32 } });
    bench.f().takes(20);
    let most = 0;
    const sources = Array.from({ length: 3 }, async (_, s) => {
      for (let n = 0; n < 200; ) {
        const taken = await bench.gate.reserve(50);
        most = Math.max(most, taken.size);
        bench.pass(
          taken,
          events(taken.size, `s${s}-${n}-`, (i) => i % 2),
        );
        n += taken.size;
      }
    });
    await bench.run(20_000);
    await Promise.all(sources);
    expect(most).toBeLessThanOrEqual(room);
    expect(bench.report()).toMatchObject({ dropped: {}, unknown: {}, inFlight: 0 });
    expect(bench.report().delivered).toBeGreaterThanOrEqual(600);
  });

  test('is given back by release, once', () => {
    const bench = new OutletBench({ delivery: { room: 10 } });
    const room = bench.gate.tryReserve(10);
    room.release();
    room.release();
    expect(bench.gate.tryReserve(100).size).toBe(10);
  });

  test('that a pass does not use is given back, and can be used once', () => {
    const bench = new OutletBench({ delivery: { room: 10 } });
    const room = bench.gate.tryReserve(10);
    bench.pass(room, events(3));
    room.release();
    expect(() => room.pass([], () => {})).toThrow('once');
    bench.f().answer(200);
    expect(bench.gate.tryReserve(100).size).toBe(10);
  });

  test('refuses more events than it has', () => {
    const bench = new OutletBench();
    const room = bench.gate.tryReserve(1);
    expect(() => bench.pass(room, events(2))).toThrow('2 events');
    expect(bench.f().calls).toEqual([]);
  });

  test.each([
    ['full', 'overflow'],
    ['refusing connections', 'unreachable'],
    ['nowhere', 'no_endpoint'],
  ] as const)('when the function is %s, tryReserve says %s', (state, reason) => {
    const bench = new OutletBench({ delivery: { room: 1, concurrency: 1 } });
    if (state === 'nowhere') bench.move('f', undefined);
    else if (state === 'refusing connections') {
      bench.f().refuses();
      bench.push(event('a'));
    } else {
      bench.push(event('a'));
      bench.push(event('b'));
    }
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason });
  });
});

describe('waiting for room', () => {
  test('is first come, first served', async () => {
    const bench = new OutletBench({ delivery: { concurrency: 1, room: 1 } });
    bench.push(event('a'));
    bench.push(event('b'));
    const order: string[] = [];
    for (const name of ['first', 'second', 'third'])
      void bench.gate.reserve(1).then((room) => {
        order.push(name);
        bench.pass(room, [event(name)]);
      });
    for (let i = 0; i < 6; i++) {
      bench.f().answer(200);
      await turns();
    }
    expect(order).toEqual(['first', 'second', 'third']);
    expect(bench.report()).toMatchObject({ claimed: 5, delivered: 5 });
  });

  test('a source that comes later does not pass those that wait', async () => {
    const bench = new OutletBench();
    const held = await bench.gate.reserve(4);
    const first = watch(bench.gate.reserve(100));
    const second = watch(bench.gate.reserve(1));
    await turns();
    expect([first.room, second.room]).toEqual([undefined, undefined]);
    held.release();
    await turns();
    expect(first.room?.size).toBeGreaterThan(0);
    expect(second.room).toBe(undefined);
  });

  test('ends with nothing at its deadline, and says why', async () => {
    const bench = new OutletBench();
    bench.move('f', undefined);
    const late = watch(bench.gate.reserve(1, bench.clock.monotonic() + 500));
    await bench.run(490);
    expect(late.room).toBe(undefined);
    await bench.run(10);
    expect(late.room).toMatchObject({ size: 0, reason: 'no_endpoint' });
    expect(bench.clock.pending).toBe(0);
  });

  test('ends when the function is found, without a timer left', async () => {
    const bench = new OutletBench();
    bench.move('f', undefined);
    const waiting = watch(bench.gate.reserve(1, bench.clock.monotonic() + 60_000));
    await turns();
    expect(waiting.room).toBe(undefined);
    bench.move('f', 'http://f/');
    await turns();
    expect(waiting.room?.size).toBe(1);
    waiting.room?.release();
    expect(bench.clock.pending).toBe(0);
  });

  test('ends when another source passes and leaves places to start idle', async () => {
    const bench = new OutletBench();
    const held = await bench.gate.reserve(1);
    const waiting = watch(bench.gate.reserve(100));
    await turns();
    expect(waiting.room).toBe(undefined);
    bench.pass(held, events(1));
    await turns();
    expect(waiting.room?.size).toBeGreaterThan(0);
  });

  test('for nothing is over at once, and nobody waits behind it', async () => {
    const bench = new OutletBench();
    const none = watch(bench.gate.reserve(0));
    const some = watch(bench.gate.reserve(1));
    await turns();
    expect([none.room?.size, some.room?.size]).toEqual([0, 1]);
  });

  test('ends when what waits expires', async () => {
    const bench = new OutletBench({ delivery: { concurrency: 1, room: 1, ttl: '3s' } });
    bench.push(event('a'));
    bench.f().open.values().next().value?.firstByte();
    bench.push(event('b'));
    const waiting = watch(bench.gate.reserve(1));
    await bench.run(2_900);
    expect(waiting.room).toBe(undefined);
    await bench.run(200);
    // The call is under way for longer than anybody knows: one event may wait for it, or none.
    expect(bench.outcome('b')).toBe('dropped(expired)');
    bench.f().answer(200);
    await turns();
    expect(waiting.room?.size).toBe(1);
  });
});

describe.each(['at once', 'deferred'] as const)('what is claimed ahead, where slots are filled %s', (turns) => {
  const backlog = 5_000;

  test.each([
    ['keys that all differ', (i: number) => i],
    ['no keys', () => null],
    ['four keys', (i: number) => i % 4],
    ['one hot key', () => 1],
  ])('a function of 2 s loses nothing with %s, however much waits at the source', async (_, order) => {
    const bench = new OutletBench({ turns });
    bench.f().takes(2_000);
    void bench.source(events(backlog, 'e', order));
    await bench.run(120_000, 50);
    const { claimed, delivered, dropped, inFlight } = bench.report();
    expect(dropped).toEqual({});
    expect(claimed).toBe(delivered + inFlight);
    expect(inFlight).toBeLessThanOrEqual(64);
    expect(delivered).toBeGreaterThanOrEqual(29);
  });

  test.each([1, 20, 200])(
    'a function of %i ms is kept busy: at least 90 %% of what its concurrency allows',
    async (ms) => {
      const bench = new OutletBench({ turns });
      bench.f().takes(ms);
      void bench.source(events(backlog * 20), 5, 5_000);
      await bench.run(500, 1);
      const before = bench.report().delivered;
      await bench.run(1_000, 1);
      const possible = Math.min((32 * 1_000) / ms);
      expect(bench.report().delivered - before).toBeGreaterThanOrEqual(0.9 * possible);
    },
  );

  test.each([5, 8, 12, 20])('a hot key loses nothing at a function of %i s', async (seconds) => {
    const bench = new OutletBench({ turns });
    bench.f().takes(seconds * 1_000);
    void bench.source(events(backlog, 'e', () => 1));
    await bench.run(20 * seconds * 1_000, 100);
    expect(bench.report().dropped).toEqual({});
    expect(bench.report().delivered).toBeGreaterThanOrEqual(18);
  });

  test('a hot key at a function that takes longer than ttl loses one event for each that is delivered, at most', async () => {
    const bench = new OutletBench({ turns });
    bench.f().takes(60_000);
    void bench.source(events(backlog, 'e', () => 1));
    await bench.run(1_200_000, 500);
    const { delivered, dropped } = bench.report();
    expect(delivered).toBeGreaterThanOrEqual(9);
    expect(dropped.expired ?? 0).toBeLessThanOrEqual(delivered + 1);
  });

  test('a function that becomes slow loses nothing of what was claimed while it was fast', async () => {
    const bench = new OutletBench({ turns });
    bench.f().takes(20);
    void bench.source(events(backlog * 4));
    await bench.run(3_000);
    bench.f().takes(500);
    await bench.run(60_000, 50);
    expect(bench.report().dropped).toEqual({});
  });

  test('a function that stops answering has at most a second of its pace claimed for it', async () => {
    const bench = new OutletBench({ turns, delivery: { timeout: '60s' } });
    bench.f().takes(100);
    void bench.source(events(backlog * 4));
    await bench.run(3_000);
    bench.f().onCall = (call) => call.firstByte();
    await bench.run(120_000, 100);
    const { dropped } = bench.report();
    expect(dropped.expired ?? 0).toBeLessThanOrEqual(2 * 320 + 64);
    expect(bench.balanced).toBe(true);
  });

  test('while a function is away nothing is claimed for it, and afterwards it goes on', async () => {
    const bench = new OutletBench({ turns });
    bench.f().takes(10);
    void bench.source(events(backlog * 8));
    await bench.run(2_000);
    bench.move('f', undefined);
    await bench.run(100);
    const before = bench.report().claimed;
    await bench.run(20_000, 100);
    expect(bench.report().claimed - before).toBeLessThanOrEqual(512);
    bench.move('f', 'http://f/');
    await bench.run(5_000);
    expect(bench.report().dropped).toEqual({});
    expect(bench.report().delivered).toBeGreaterThan(before);
  });
});
