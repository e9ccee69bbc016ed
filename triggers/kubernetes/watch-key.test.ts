import { expect, test } from 'vitest';
import { configMapType } from '../../src/standalone/api/core-types.ts';
import { ownIdentity, watchKey } from './watch-key.ts';

const target = { type: { ...configMapType, verbs: ['list', 'watch'] }, scope: { namespace: 'shop' } };

test('a position counts in one cluster only, and at home it has no name', () => {
  const name = (cluster?: string) => watchKey('shop', target, ownIdentity, cluster).name;
  expect(new Set([name(), name('a'), name('b')]).size).toBe(3);
  expect(name('a')).toBe(name('a'));
  expect(watchKey('shop', target, ownIdentity, undefined).spec).not.toHaveProperty('cluster');
  expect(watchKey('shop', target, ownIdentity, 'a').spec.cluster).toBe('a');
});
