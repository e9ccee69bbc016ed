import { expect, test } from 'vitest';
import { event } from '../../test/support/outlet.ts';
import { noCounts } from '../domain/ledger.ts';
import type { Outcome } from '../domain/outcome.ts';
import { accountOf, Ledger, type OutcomeSink } from './ledger.ts';

const trigger = { kind: 'kafka', namespace: 'default', name: 'orders' };

function books(): { ledger: Ledger; heard: string[] } {
  const heard: string[] = [];
  const say = (name: string, outcome: Outcome) =>
    heard.push(`${name} ${'reason' in outcome ? outcome.reason : outcome.type}`);
  const sink: OutcomeSink = {
    outcome: (_, __, name, outcome) => void say(name, outcome),
    late: (_, __, name, outcome) => void say(`late ${name}`, outcome),
    gap: (_, { cause }) => void heard.push(`gap ${cause}`),
    forget: (_, name) => void heard.push(`forget ${name}`),
  };
  return { ledger: new Ledger(sink), heard };
}

test('what a source accounts is counted for each function, shown, and balances', () => {
  const { ledger, heard } = books();
  const account = accountOf(ledger, trigger, [ledger.entry(trigger, 'f'), ledger.entry(trigger, 'g')]);
  account.read(4);
  expect(ledger.report().balanced).toBe(false);
  account.filtered(3);
  account.dropped(event('a'), 'too_large');
  account.gap({ from: 1, to: 2, cause: 'cut' });
  expect(heard).toEqual(['f too_large', 'g too_large', 'gap cut']);
  expect(ledger.report()).toMatchObject({ balanced: true, triggers: [{ ...trigger, gaps: [{ cause: 'cut' }] }] });
  for (const row of ledger.report().triggers[0]?.functions ?? [])
    expect(row).toMatchObject({ read: 4, filtered: 3, claimed: 0, droppedBeforeClaim: { too_large: 1 }, dropped: {} });
});

test('counts that were stored go on, and changing the stored ones changes nothing', () => {
  const { ledger } = books();
  const account = accountOf(ledger, trigger, [ledger.entry(trigger, 'f')]);
  const stored = { ...noCounts(), read: 7, claimed: 7, delivered: 6 };
  account.restore('f', stored);
  account.inDoubt(event('a'), 'f', { type: 'unknown', reason: 'crash', ms: 0 });
  stored.delivered = 0;
  stored.unknown.crash = 9;
  expect(ledger.report()).toMatchObject({
    balanced: true,
    triggers: [{ functions: [{ read: 7, claimed: 7, delivered: 6, unknown: { crash: 1 } }] }],
  });
});

test('counts outlive the subscription, and go with their trigger', () => {
  const { ledger } = books();
  accountOf(ledger, trigger, [ledger.entry(trigger, 'f')]).read(2);
  expect(accountOf(ledger, trigger, [ledger.entry(trigger, 'f')]).counts('f').read).toBe(2);
  ledger.remove(trigger);
  expect(ledger.report()).toEqual({ balanced: true, triggers: [] });
});

test('gaps are bounded', () => {
  const { ledger } = books();
  for (let n = 0; n < 1_000; n++) ledger.gap(trigger, { from: n, to: n, cause: `${n}` });
  const gaps = ledger.report().triggers[0]?.gaps ?? [];
  expect([gaps.length, gaps.at(-1)?.cause]).toEqual([100, '999']);
});
