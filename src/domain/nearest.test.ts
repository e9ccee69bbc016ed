import { expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

it.each([
  ['funtionSelector', 'functionSelector'],
  ['topci', 'topic'],
  ['Topic', 'topic'],
  ['fanouts', 'fanout'],
  ['schedule', undefined],
])('%s is near %s', (word, found) => {
  expect(nearest(word, ['topic', 'functionSelector', 'fanout', 'paused'])).toBe(found);
});

it('counts letters that differ, and a swap of two neighbours once', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('abcd', 'acbd')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
});
