import { expect, test } from 'vitest';
import { type BannerFacts, bannerLines } from './banner.ts';

const facts: BannerFacts = {
  version: '1.2.3',
  url: 'http://127.0.0.1:8080',
  isDefault: true,
  dataDir: '/data',
  sources: [{ name: 'kafka', from: 'embedded log' }],
  triggers: [],
  portNote: undefined,
};
const suggested = (more: Partial<BannerFacts>) =>
  bannerLines({ ...facts, ...more }, false).find((line) => line.includes('npx'));

test('the command that the banner suggests speaks to the gateway that shows it', () => {
  expect(suggested({})).not.toContain('--gateway');
  expect(suggested({ isDefault: false })).toContain('--gateway http://127.0.0.1:8080');
});

test('a trigger without a function says why', () => {
  const trigger = { kind: 'kafka', namespace: 'default', name: 'orders' };
  const view = { trigger, topic: 'orders', functions: [], message: 'no Function has app=orders' };
  const state = { ready: false, connected: true, isOpening: false };
  const lines = bannerLines({ ...facts, triggers: [{ ...view, ...state }] }, false);
  expect(lines.join('\n')).toContain('orders (kafka orders) \u2192 no function: no Function has app=orders');
});
