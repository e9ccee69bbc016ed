import { describe, expect, test } from 'vitest';
import { TrigateError } from '../domain/errors.ts';
import { parseSelector } from './parse-selector.ts';

describe('parseSelector', () => {
  test.each([
    ['', {}],
    ['  ', {}],
    ['app=web', { matchLabels: { app: 'web' } }],
    ['app==web, tier = x', { matchLabels: { app: 'web', tier: 'x' } }],
    ['app=', { matchLabels: { app: '' } }],
    ['app!=web', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }],
    [
      'a in (x, y),!b, c',
      {
        matchExpressions: [
          { key: 'a', operator: 'In', values: ['x', 'y'] },
          { key: 'b', operator: 'DoesNotExist' },
          { key: 'c', operator: 'Exists' },
        ],
      },
    ],
    ['a notin (x)', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['x'] }] }],
    ['example.com/a=x', { matchLabels: { 'example.com/a': 'x' } }],
  ])('reads %j', (text, selector) => {
    expect(parseSelector(text)).toEqual(selector);
  });

  test('two values for one key go on excluding each other', () => {
    expect(parseSelector('a=x,a=y,a=x')).toEqual({
      matchLabels: { a: 'x' },
      matchExpressions: [{ key: 'a', operator: 'In', values: ['y'] }],
    });
  });

  test.each([
    ['a=x,', /a term between commas is empty/],
    ['a in x', /has the term "a in x"; allowed are/],
    ['a>1', /the label key "a>1"/],
    ['a in (x', /parentheses are not balanced/],
    ['-a=x', /the label key "-a" must be 1 to 63/],
    ['Example.com/a=x', /DNS name before the slash/],
    [`a=${'x'.repeat(64)}`, /at most 63/],
    ['__proto__=x', /the label key "__proto__"/],
  ])('refuses %j in one sentence', (text, sentence) => {
    const error = thrownBy(() => parseSelector(text));
    expect(error).toBeInstanceOf(TrigateError);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(sentence) });
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
