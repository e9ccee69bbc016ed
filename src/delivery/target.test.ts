import { describe, expect, test } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';

describe('where a function lives', () => {
  test('a connection that is refused at the old address says nothing about the new one', async () => {
    const bench = new OutletBench();
    bench.push(event('a'));
    const [old] = bench.f().open;
    bench.move('f', 'http://f/new');
    old?.answer({ type: 'notSent', cause: new Error('connect ECONNREFUSED') });
    await turns();
    expect(bench.f().calls.map((call) => call.request.path)).toEqual(['/', '/new']);
    expect(bench.f().probes).toBe(0);
  });

  test('a call under way ends at the old address, and is not made again', async () => {
    const bench = new OutletBench();
    bench.push(event('a'));
    const [old] = bench.f().open;
    old?.firstByte();
    bench.move('f', 'http://f/new');
    bench.move('f', undefined);
    old?.answer({ type: 'answered', status: 200 });
    await bench.run(1_000);
    expect(bench.outcome('a')).toBe('delivered');
    expect(bench.f().calls.length).toBe(1);
  });

  test('that flaps keeps no connections: each address that was left is closed', async () => {
    const bench = new OutletBench();
    for (let n = 0; n < 50; n++) bench.move('f', n % 2 ? undefined : `http://f/${n}`);
    await turns();
    expect(bench.f().closed).toBe(26);
    await bench.shut();
    expect(bench.clock.pending).toBe(0);
  });

  test('a probe that ends after the close does nothing', async () => {
    const bench = new OutletBench();
    bench.f().refuses();
    bench.push(event('a'));
    bench.clock.advance(100);
    await bench.shut();
    await turns();
    expect(bench.clock.pending).toBe(0);
    await bench.run(10_000, 500);
    expect(bench.f().probes).toBe(1);
  });
});
