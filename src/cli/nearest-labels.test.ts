import { expect, it } from 'vitest';
import { parseSelector } from '../resources/parse-selector.ts';
import { nearestLabels } from './nearest-labels.ts';

const found = [
  { name: 'api', labels: { app: 'order', tier: 'web' } },
  { name: 'mail', labels: { app: 'mailer' } },
  { name: 'bare', labels: {} },
];

const near = (selector: string) =>
  nearestLabels(parseSelector(selector), found).map(({ name, label }) => [name, label]);

it.each([
  ['app=orders', [['api', 'app=order']]],
  ['ap=order', [['api', 'app=order']]],
  ['app in (mail,post)', [['mail', 'app=mailer']]],
  ['teir', [['api', 'tier=web']]],
  ['zone=eu-central-1', []],
])('%s', (selector, labels) => {
  expect(near(selector)).toEqual(labels);
});

it('names first who satisfies most of the other terms, and says which term is missing', () => {
  expect(near('app=order,tier=web,zone=eu')).toEqual([['api', 'not zone=eu']]);
  expect(near('app=order,!tier')).toEqual([
    ['api', 'not !tier'],
    ['mail', 'not app=order'],
    ['bare', 'not app=order'],
  ]);
});
