import { describe, expect, test } from 'vitest';
import { event, OutletBench } from '../../test/support/outlet.ts';

const ids = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

describe('order', () => {
  test('events of one key go one after the other, and different keys in parallel', () => {
    const bench = new OutletBench();
    bench.push(event('a1', 1), event('b1', 2), event('a2', 1), event('a3', 1), event('b2', 2));
    expect(bench.f().calls.map((call) => call.eventId)).toEqual(['a1', 'b1']);
    bench.f().answer(200, 'b1');
    expect([...bench.f().open].map((call) => call.eventId)).toEqual(['a1', 'b2']);
    bench.f().answer(500, 'a1');
    bench.f().answer(200, 'a2');
    bench.f().answer(200, 'a3', 'b2');
    expect(bench.f().firstBytes.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(bench.report()).toMatchObject({ claimed: 5, delivered: 4, rejected: 1, inFlight: 0 });
  });

  test('events without a key do not wait for each other', () => {
    const bench = new OutletBench();
    bench.push(...ids('e', 32).map((id) => event(id)));
    expect(bench.f().open.size).toBe(32);
  });

  test('an event that comes later waits behind its key, also when the key has been idle in between', () => {
    const bench = new OutletBench();
    bench.push(event('a1', 1));
    bench.f().answer(200);
    bench.push(event('a2', 1));
    bench.push(event('a3', 1));
    expect([...bench.f().open].map((call) => call.eventId)).toEqual(['a2']);
  });

  test('an event that expires in the middle of a key does not hold up what is behind it', () => {
    const bench = new OutletBench({ delivery: { ttl: '1s' } });
    bench.push(event('a1', 1));
    bench.f().open.values().next().value?.firstByte();
    bench.push(event('a2', 1));
    bench.clock.advance(600);
    bench.push(event('a3', 1));
    bench.clock.advance(600);
    expect(bench.outcome('a2')).toBe('dropped(expired)');
    bench.f().answer(200, 'a1');
    expect([...bench.f().open].map((call) => call.eventId)).toEqual(['a3']);
  });
});

describe('concurrency', () => {
  test('no more calls than allowed are under way, and the next starts when one ends', () => {
    const bench = new OutletBench({ delivery: { concurrency: 3 } });
    bench.push(...ids('e', 10).map((id) => event(id)));
    for (let n = 3; n <= 10; n++) {
      expect(bench.f().calls.length).toBe(n);
      expect(bench.f().open.size).toBe(3);
      const [first] = bench.f().open;
      first?.answer({ type: 'answered', status: 200 });
    }
    expect(bench.f().calls.map((call) => call.eventId)).toEqual(ids('e', 10));
  });

  test('a call that waits for its connection takes its place', () => {
    const bench = new OutletBench({ delivery: { concurrency: 1 } });
    bench.push(event('a'), event('b'));
    expect(bench.f().firstBytes).toEqual([]);
    expect(bench.f().calls.length).toBe(1);
  });
});

describe('time to live', () => {
  test('what has waited too long is dropped as expired, in the order of its coming', () => {
    const bench = new OutletBench({ delivery: { concurrency: 1, ttl: '5s' } });
    bench.push(event('a'), event('b'));
    bench.f().open.values().next().value?.firstByte();
    bench.clock.advance(3_000);
    bench.push(event('c'));
    bench.clock.advance(1_999);
    expect(bench.settled.size).toBe(0);
    bench.clock.advance(1);
    expect([bench.outcome('b'), bench.outcome('c')]).toEqual(['dropped(expired)', 'pending']);
    bench.clock.advance(3_000);
    expect(bench.outcome('c')).toBe('dropped(expired)');
    bench.f().answer(200);
    expect(bench.report()).toMatchObject({ claimed: 3, delivered: 1, dropped: { expired: 2 }, inFlight: 0 });
    expect(bench.balanced).toBe(true);
  });

  test.each([
    ['nobody knows where the function lives', undefined, 'dropped(no_endpoint)'],
    ['the function refuses connections', 'http://f/', 'dropped(unreachable)'],
  ])('when %s, the reason says so', async (_, url, reason) => {
    const bench = new OutletBench({ delivery: { concurrency: 1 } });
    const room = bench.gate.tryReserve(1);
    if (url === undefined) bench.move('f', undefined);
    else bench.f().refuses();
    bench.pass(room, [event('a')]);
    await bench.run(30_000, 100);
    expect(bench.outcome('a')).toBe(reason);
    expect(bench.balanced).toBe(true);
  });

  test('an event that expires gives its room back', () => {
    const bench = new OutletBench({ delivery: { concurrency: 1, room: 2, ttl: '5s' } });
    bench.f().onCall = (call) => call.firstByte();
    bench.push(event('a'));
    bench.push(event('b'), event('c'));
    expect(bench.gate.tryReserve(1)).toMatchObject({ size: 0, reason: 'overflow' });
    bench.clock.advance(5_000);
    expect(bench.gate.tryReserve(9).size).toBe(2);
  });
});

describe('the answer of a call', () => {
  test.each([
    [{ type: 'answered', status: 200 }, 'delivered'],
    [{ type: 'answered', status: 204 }, 'delivered'],
    [{ type: 'answered', status: 301 }, 'rejected'],
    [{ type: 'answered', status: 500 }, 'rejected'],
    [{ type: 'unknown', reason: 'reset' }, 'unknown(reset)'],
    [{ type: 'invalid', cause: new Error('bad header') }, 'dropped(invalid)'],
  ] as const)('%j is %s, and ends it', (answer, outcome) => {
    const bench = new OutletBench();
    bench.push(event('a', 1), event('b', 1));
    bench.f().open.values().next().value?.answer(answer);
    expect(bench.outcome('a')).toBe(outcome);
    expect([...bench.f().open].map((call) => call.eventId)).toEqual(['b']);
    bench.f().answer(200);
    expect(bench.f().calls.length).toBe(2);
    expect(bench.balanced).toBe(true);
  });

  test('none within the timeout: the call is given up once, and the event is unknown', () => {
    const bench = new OutletBench({ delivery: { timeout: '10s', concurrency: 1 } });
    bench.push(event('a'), event('b'));
    const [call] = bench.f().open;
    bench.clock.advance(4_000);
    call?.firstByte();
    bench.clock.advance(9_999);
    expect(bench.settled.size).toBe(0);
    bench.clock.advance(1);
    expect(bench.settled.get('a')).toEqual([{ type: 'unknown', reason: 'timeout', ms: 10_000 }]);
    expect(bench.f().aborts).toEqual(['timeout']);
    bench.f().answer(200, 'b');
    bench.clock.advance(60_000);
    expect(bench.f().aborts).toEqual(['timeout']);
    expect(bench.report()).toMatchObject({ claimed: 2, delivered: 1, unknown: { timeout: 1 }, inFlight: 0 });
  });

  test('thousands of invalid events that fail in the turn in which they start are all counted', () => {
    const bench = new OutletBench({ delivery: { room: 50_000, concurrency: 1 } });
    bench.push(event('first'));
    bench.push(...ids('e', 50_000).map((id) => event(id)));
    bench.f().onCall = (call) => call.answer({ type: 'invalid', cause: new Error('bad header') });
    bench.f().answer(200, 'first');
    expect(bench.report()).toMatchObject({ delivered: 1, dropped: { invalid: 50_000 }, inFlight: 0 });
  });
});

describe('a connection that is refused', () => {
  test('puts the event back to its place, and it is tried again when the function listens', async () => {
    const bench = new OutletBench({ delivery: { concurrency: 2 } });
    bench.f().refuses();
    bench.push(event('a1', 1), event('b1', 2), event('a2', 1), event('n'));
    expect(bench.settled.size).toBe(0);
    expect(bench.report().inFlight).toBe(4);
    bench.f().onCall = (call) => call.firstByte();
    await bench.run(1_000);
    expect(bench.f().firstBytes).toEqual([]);
    bench.f().isListening = true;
    await bench.run(2_000);
    expect(bench.f().firstBytes).toEqual(['a1', 'b1']);
    bench.f().answer(200);
    bench.f().answer(200);
    expect(bench.f().firstBytes).toEqual(['a1', 'b1', 'n', 'a2']);
    expect(bench.report()).toMatchObject({ claimed: 4, delivered: 4, inFlight: 0 });
  });

  test('costs connections without an event, at growing distances', async () => {
    const bench = new OutletBench();
    bench.f().refuses();
    bench.push(event('a'), event('b'));
    await bench.run(29_000);
    expect(bench.f().calls.length).toBeLessThanOrEqual(2);
    expect(bench.f().probes).toBeGreaterThan(5);
    expect(bench.f().probes).toBeLessThan(14);
  });

  test('is tried again at once at another address', () => {
    const bench = new OutletBench();
    bench.f().refuses();
    bench.push(event('a'));
    bench.f().onCall = (call) => call.answer({ type: 'answered', status: 200 });
    bench.move('f', 'http://f/elsewhere?x=1');
    expect(bench.outcome('a')).toBe('delivered');
    expect(bench.f().calls.at(-1)?.request.path).toBe('/elsewhere?x=1');
    expect(bench.f().closed).toBe(1);
  });

  test('is not tried again after the time to live of the claim, however often it was put back', async () => {
    const bench = new OutletBench({ delivery: { ttl: '2s' } });
    bench.push(event('a'));
    bench.clock.advance(2_500);
    for (const call of [...bench.f().open]) call.answer({ type: 'notSent', cause: new Error('connect ETIMEDOUT') });
    expect(bench.outcome('a')).toBe('dropped(unreachable)');
    await bench.run(10_000, 100);
    expect(bench.f().calls.length).toBe(1);
  });

  test('leaves room for what was reserved before', () => {
    const bench = new OutletBench({ delivery: { room: 4, concurrency: 4 } });
    bench.push(...ids('called', 4).map((id) => event(id)));
    const room = bench.gate.tryReserve(4);
    expect(room.size).toBe(4);
    for (const call of [...bench.f().open]) call.answer({ type: 'notSent', cause: new Error('connect ECONNREFUSED') });
    bench.pass(
      room,
      ids('passed', 4).map((id) => event(id)),
    );
    expect(bench.settled.size).toBe(0);
    expect(bench.report().inFlight).toBe(8);
  });
});

describe('what is passed together and given up', () => {
  test('is not called any more: neither what waits, nor what waits for a connection', () => {
    const bench = new OutletBench({ delivery: { concurrency: 1 } });
    const passage = bench.pass(bench.gate.tryReserve(2), [event('connecting'), event('waiting')]);
    bench.push(event('another'));
    passage.abort();
    expect(['connecting', 'waiting', 'another'].map((id) => bench.outcome(id))).toEqual([
      'dropped(shutdown)',
      'dropped(shutdown)',
      'pending',
    ]);
    expect(bench.f().calls.map(({ eventId }) => eventId)).toEqual(['connecting', 'another']);
    expect(bench.f().firstBytes).toEqual([]);
    bench.f().answer(200);
    expect(bench.outcome('another')).toBe('delivered');
    expect(bench.balanced).toBe(true);
  });

  test('is in doubt where its first byte has left', () => {
    const bench = new OutletBench();
    bench.f().onCall = (call) => call.firstByte();
    const passage = bench.pass(bench.gate.tryReserve(1), [event('a')]);
    passage.abort();
    expect(bench.outcome('a')).toBe('unknown(aborted)');
  });
});
