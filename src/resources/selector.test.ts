import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LabelSelector } from '../domain/trigger.ts';
import { parseSelector } from './parse-selector.ts';
import { formatSelector, matches, selectorIssues, selectorQuery } from './selector.ts';

const key = fc.constantFrom('app', 'tier', 'example.com/team', 'constructor');
const value = fc.constantFrom('', 'a', 'b', 'c-1');
const expression = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  { matchLabels: fc.dictionary(key, value), matchExpressions: fc.array(expression, { maxLength: 3 }) },
  { requiredKeys: [] },
);
const labels = fc.dictionary(key, value);

/** The definition, said in sets instead of in steps. */
function naive(selector: LabelSelector, labels: Record<string, string>): boolean {
  const pairs = new Set(Object.entries(labels).map(([k, v]) => `${k}\n${v}`));
  const keys = new Set(Object.keys(labels));
  for (const [k, v] of Object.entries(selector.matchLabels ?? {})) if (!pairs.has(`${k}\n${v}`)) return false;
  for (const { key: k, operator, values = [] } of selector.matchExpressions ?? []) {
    const hit = values.some((v) => pairs.has(`${k}\n${v}`));
    const holds = { In: hit, NotIn: !hit, Exists: keys.has(k), DoesNotExist: !keys.has(k) }[operator];
    if (!holds) return false;
  }
  return true;
}

describe('matches', () => {
  test('agrees with a naive evaluation', () => {
    fc.assert(fc.property(selector, labels, (s, l) => matches(s, l) === naive(s, l)));
  });

  test('an empty selector matches everything, also what has no labels', () => {
    expect(matches({}, undefined)).toBe(true);
    expect(matches({ matchLabels: {}, matchExpressions: [] }, { a: 'b' })).toBe(true);
  });

  test('a key is not found in the prototype of the labels', () => {
    expect(matches({ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {})).toBe(false);
  });
});

describe('the text form', () => {
  test('read back it selects the same', () => {
    fc.assert(fc.property(selector, labels, (s, l) => matches(parseSelector(selectorQuery(s)), l) === matches(s, l)));
  });

  test('is what kubectl shows: sorted by key, values sorted', () => {
    const shown = formatSelector({
      matchLabels: { tier: 'x', app: 'web' },
      matchExpressions: [
        { key: 'env', operator: 'In', values: ['prod', 'dev'] },
        { key: 'old', operator: 'DoesNotExist' },
        { key: 'new', operator: 'Exists' },
        { key: 'zone', operator: 'NotIn', values: ['a'] },
      ],
    });
    expect(shown).toBe('app=web,env in (dev,prod),new,!old,tier=x,zone notin (a)');
  });

  test('of an empty selector is <none> for people and empty in a query', () => {
    expect(formatSelector({})).toBe('<none>');
    expect(selectorQuery({ matchLabels: {} })).toBe('');
  });
});

describe('selectorIssues', () => {
  test('names the field of each mistake', () => {
    const issues = selectorIssues(
      {
        matchLabels: { 'a b': 'c' },
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'a', operator: 'Exists', values: ['x'] },
        ],
      },
      ['spec', 'functionSelector'],
    );
    expect(issues.map(({ path }) => path.join('.'))).toEqual([
      'spec.functionSelector.matchLabels.a b',
      'spec.functionSelector.matchExpressions.0',
      'spec.functionSelector.matchExpressions.1',
    ]);
    expect(issues[1]?.message).toBe('is invalid: the operator In needs at least one value');
  });

  test('has none for what parseSelector reads', () => {
    fc.assert(fc.property(selector, (s) => selectorIssues(parseSelector(selectorQuery(s))).length === 0));
  });
});
