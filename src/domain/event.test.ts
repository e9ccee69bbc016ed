import { expect, test } from 'vitest';
import { eventId, randomEventId } from './event.ts';

test('the id of an occurrence with coordinates is the same for ever', () => {
  expect(eventId('kafka/c/orders', '0/17@1700000000000')).toMatch(/^[A-Za-z0-9_-]{15}$/);
  expect(eventId('a', 'b')).toBe(eventId('a', 'b'));
  expect(eventId('a', 'b')).not.toBe(eventId('a', 'c'));
});

test('ids of occurrences without coordinates do not repeat', () => {
  const ids = Array.from({ length: 10_000 }, randomEventId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[A-Za-z0-9_-]{15}$/.test(id))).toEqual([]);
});
