import { expect, test } from 'vitest';
import { Agenda } from './agenda.ts';

test('each thing is taken once, at the earliest of its moments', () => {
  const agenda = new Agenda();
  agenda.add('a', 30);
  agenda.add('a', 10);
  agenda.add('a', 20);
  agenda.add('b', 40);
  expect([agenda.next, agenda.take(9)]).toEqual([10, []]);
  expect([agenda.take(10), agenda.next]).toEqual([['a'], 40]);
  expect([agenda.take(100), agenda.next, agenda.take(100)]).toEqual([['b'], Number.POSITIVE_INFINITY, []]);
});

test('what was removed is not taken', () => {
  const agenda = new Agenda();
  agenda.add('a', 10);
  agenda.remove('a');
  expect([agenda.take(10), agenda.next]).toEqual([[], Number.POSITIVE_INFINITY]);
});
