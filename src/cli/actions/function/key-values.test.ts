import { expect, test } from 'vitest';
import { keyValue, splitList } from './key-values.ts';

test.each([
  ['', []],
  ['a', ['a']],
  ['a=1,b:2', ['a=1', 'b:2']],
  ['a=1,,b=2,', ['a=1', 'b=2']],
  ['"a=1,2",b=3', ['a=1,2', 'b=3']],
  ['"a=""x"""', ['a="x"']],
  ['a={"x":1}', ['a={"x":1}']],
])('the list %s has the words %j', (text, words) => {
  expect(splitList(text)).toEqual(words);
});

test.each([
  ['a=1', 'a', '1'],
  ['a:1', 'a', '1'],
  ['a=b:c', 'a', 'b:c'],
  ['a:b=c', 'a', 'b=c'],
  ['a', 'a', ''],
])('the word %s is split at its first separator', (word, key, value) => {
  expect(keyValue(word)).toEqual([key, value]);
});
