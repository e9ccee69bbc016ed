import { expect, test } from 'vitest';
import { event, OutletBench, turns } from '../../test/support/outlet.ts';

const events = (...ids: string[]) => ids.map((id) => event(id));
const calledBy = (bench: OutletBench, name = 'f') => bench.f(name).calls.map(({ eventId }) => eventId);

test('slots that became free in one turn are filled together, at its end', () => {
  const bench = new OutletBench({ delivery: { concurrency: 2 } });
  bench.push(...events('a', 'b', 'c', 'd', 'e'));
  bench.holdsTurns = true;
  bench.f().answer(200, 'a', 'b');
  expect(calledBy(bench)).toEqual(['a', 'b']);
  bench.endTurn();
  expect(calledBy(bench)).toEqual(['a', 'b', 'c', 'd']);
});

test('what is passed meanwhile takes a free slot at once, and the others are filled behind it', () => {
  const bench = new OutletBench({ delivery: { concurrency: 2 } });
  bench.push(...events('a', 'b', 'c'));
  bench.holdsTurns = true;
  bench.f().answer(200, 'a', 'b');
  bench.push(event('d'));
  expect(calledBy(bench)).toEqual(['a', 'b', 'c', 'd']);
  bench.endTurn();
  expect(calledBy(bench)).toEqual(['a', 'b', 'c', 'd']);
});

test('an outcome is not held up', () => {
  const bench = new OutletBench();
  bench.push(event('a'));
  bench.holdsTurns = true;
  bench.f().answer(200);
  expect(bench.outcome('a')).toBe('delivered');
  expect(bench.report()).toMatchObject({ delivered: 1, inFlight: 0 });
});

test('who waits for room gets it once all functions have been served', async () => {
  const bench = new OutletBench({ functions: ['f', 'g'], delivery: { concurrency: 1, room: 1 } });
  bench.push(event('a'));
  bench.push(event('b'));
  let size = 0;
  void bench.gate.reserve(1).then((room) => {
    size = room.size;
  });
  bench.holdsTurns = true;
  for (const name of ['f', 'g']) bench.f(name).answer(200, 'a');
  await turns();
  expect(size).toBe(0);
  bench.endTurn();
  await turns();
  expect(size).toBe(1);
  for (const name of ['f', 'g']) expect(calledBy(bench, name)).toEqual(['a', 'b']);
});

test('a turn that ends behind the end of a drain starts nothing', async () => {
  const bench = new OutletBench({ delivery: { concurrency: 1 } });
  bench.push(...events('a', 'b'));
  bench.holdsTurns = true;
  bench.f().answer(200, 'a');
  await bench.shut();
  bench.endTurn();
  expect(calledBy(bench)).toEqual(['a']);
  expect(bench.outcome('b')).toBe('dropped(shutdown)');
  expect(bench.balanced).toBe(true);
});

test('a source that cannot wait loses nothing to slots that are free already', () => {
  const bench = new OutletBench({ delivery: { concurrency: 2, room: 1 } });
  bench.push(event('a'));
  bench.push(event('b'));
  bench.push(event('c'));
  bench.holdsTurns = true;
  bench.f().answer(200, 'a', 'b');
  const room = bench.gate.tryReserve(1);
  expect(room.size).toBe(1);
  bench.pass(room, [event('d')]);
  expect(calledBy(bench)).toEqual(['a', 'b', 'c', 'd']);
});

test('a caller that sends one request behind each answer does not wait for the end of the turn', () => {
  const bench = new OutletBench({ delivery: { concurrency: 1 } });
  bench.f().prefersBursts = false;
  bench.move('f', 'http://f/other');
  bench.push(...events('a', 'b'));
  bench.holdsTurns = true;
  bench.f().answer(200, 'a');
  expect(calledBy(bench)).toEqual(['a', 'b']);
});
