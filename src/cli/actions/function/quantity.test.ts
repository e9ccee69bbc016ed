import { expect, test } from 'vitest';
import { canonicalQuantity } from './quantity.ts';

// What Kubeless 1.0.8 writes for each.
test.each([
  ['1.5G', '1500M'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['0.0001', '100u'],
  ['1024Ki', '1Mi'],
  ['2048Mi', '2Gi'],
  ['1.5Gi', '1536Mi'],
  ['1500Mi', '1500Mi'],
  ['0.1Ki', '102400m'],
  ['1000m', '1'],
  ['1000M', '1G'],
  ['1024M', '1024M'],
  ['1000000k', '1G'],
  ['1000000', '1M'],
  ['128974848', '128974848'],
  ['12e6', '12e6'],
  ['5n', '5n'],
  ['1E', '1E'],
  ['-1', '-1'],
  ['0', '0'],
])('%s is %s', (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical);
});

test.each(['', 'foo', '1G2', '1,5', 'Mi', '1 Gi', '.', '1KB', '0x10'])('%j is no quantity', (text) => {
  expect(canonicalQuantity(text)).toBeUndefined();
});
