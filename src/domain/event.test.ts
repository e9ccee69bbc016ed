import { expect, test } from 'vitest';
import { eventId, randomEventId } from './event.ts';

test('the id of an occurrence with coordinates is the same for ever', () => {
  expect(eventId('a', 'b')).toBe(eventId('a', 'b'));
  expect(eventId('a', 'b')).not.toBe(eventId('a', 'c'));
});

test('ids of occurrences without coordinates do not repeat', () => {
  const ids = Array.from({ length: 10_000 }, randomEventId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('an id is 15 characters of base64url and no command line takes it for a flag', () => {
  const derived = Array.from({ length: 10_000 }, (_, n) => eventId('kafka/c/orders', `0/${n}@1700000000000`));
  const given = Array.from({ length: 10_000 }, randomEventId);
  expect([...derived, ...given].filter((id) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{14}$/.test(id))).toEqual([]);
  expect(new Set(derived).size).toBe(derived.length);
});
