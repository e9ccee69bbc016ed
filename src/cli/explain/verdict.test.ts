import { describe, expect, it } from 'vitest';
import { manifestTypes } from '../manifest-types.ts';
import { subjectMatches } from './subject.ts';
import { judge } from './verdict.ts';

const functions = [
  { name: 'api', labels: { app: 'shop' } },
  { name: 'mail', labels: {} },
];

function judged(kind: string, spec: unknown, event: Parameters<typeof judge>[3] = { topic: 'orders' }) {
  const type = manifestTypes().find((each) => each.kind === kind);
  if (type === undefined) throw new Error(kind);
  const object = { apiVersion: 'kubeless.io/v1beta1', kind, metadata: { name: 't', namespace: 'shop' }, spec };
  return judge(type, object, functions, event);
}

const SHOP = { matchLabels: { app: 'shop' } };

describe('a trigger', () => {
  it('says which functions it selects, and why not the others', () => {
    expect(judged('KafkaTrigger', { topic: 'orders', functionSelector: SHOP })).toEqual({
      trigger: { kind: 'kafka', namespace: 'shop', name: 't' },
      listens: true,
      why: 'listens to orders',
      functions: [
        { name: 'api', selected: true, why: 'has app=shop' },
        { name: 'mail', selected: false, why: 'has no labels, not app=shop' },
      ],
    });
  });

  it.each([
    ['KafkaTrigger', { topic: 'bills' }, undefined, false, 'listens to bills'],
    ['KafkaTrigger', { topic: 'orders', paused: true }, undefined, true, 'listens to orders and is paused'],
    ['NATSTrigger', { topic: 'orders.*' }, { topic: 'orders.eu' }, true, 'listens to orders.*'],
    [
      'NATSTrigger',
      { topic: 'orders' },
      { topic: 'orders', kinds: ['kafka'] },
      false,
      'listens to orders of another broker',
    ],
    ['CronJobTrigger', { schedule: '@daily', 'function-name': 'f' }, undefined, false, 'listens to no topic'],
    ['KafkaTrigger', { topic: 7 }, undefined, false, 'is not valid: spec.topic must be a string, found 7'],
  ])('%s %j', (kind, spec, event, listens, why) => {
    expect(judged(kind, spec, event)).toMatchObject({ listens, why });
  });
});

it.each([
  ['a.b', 'a.b', true],
  ['a.*', 'a.b', true],
  ['a.*', 'a.b.c', false],
  ['a.>', 'a.b.c', true],
  ['a.>', 'a', false],
  ['>', 'a', true],
  ['*.b', 'a.b', true],
])('%s takes %s: %s', (pattern, subject, taken) => {
  expect(subjectMatches(pattern, subject)).toBe(taken);
});
