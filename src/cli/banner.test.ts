import { expect, test } from 'vitest';
import type { FunctionReport } from '../domain/ledger.ts';
import { type BannerFacts, bannerLines, totals } from './banner.ts';

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

test('the totals add up: what was claimed has its outcomes, and what was not stands by itself', () => {
  const row = (more: Partial<FunctionReport>): FunctionReport => ({
    ...{ name: 'f', read: 0, filtered: 0, claimed: 0, delivered: 0, rejected: 0, inFlight: 0 },
    ...{ unknown: {}, droppedBeforeClaim: {}, dropped: {} },
    ...more,
  });
  const of = (...functions: FunctionReport[]) =>
    totals({ balanced: true, triggers: [{ kind: 'kafka', namespace: 'default', name: 'a', gaps: [], functions }] });
  const sound = row({ read: 3, claimed: 3, delivered: 2, dropped: { expired: 1 } });
  expect(of(sound)).toEqual({ claimed: 3, delivered: 2, rejected: 0, unknown: 0, dropped: 1 });
  const lost = row({
    read: 6,
    claimed: 2,
    rejected: 1,
    unknown: { crash: 1 },
    droppedBeforeClaim: { offsets_lost: 4 },
  });
  expect(of(sound, lost)).toEqual({
    ...{ claimed: 5, delivered: 2, rejected: 1, unknown: 1, dropped: 1 },
    droppedBeforeClaim: 4,
  });
});
