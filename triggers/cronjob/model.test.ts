import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBalanced } from '../../src/domain/ledger.ts';
import { noCounts } from '../../src/sdk.ts';
import { CronMember, type Fate, pass, SharedStatus } from '../../test/support/cron-member.ts';

/*
 * Three processes with one trigger, and whatever can go wrong: clocks that run apart and are set, kills, freezes, functions
 * that hang, an API server that is away, refuses, or stores without an answer.
 */

const INTERVAL_MS = 10_000;
const START = Date.UTC(2027, 0, 31, 12);

type Step =
  | { readonly type: 'pass'; readonly ms: number }
  /** One process alone: the others are frozen. */
  | { readonly type: 'alone'; readonly who: number; readonly ms: number }
  | { readonly type: 'set'; readonly who: number; readonly skew: number }
  | { readonly type: 'kill' | 'restart' | 'hang'; readonly who: number }
  | { readonly type: 'fates'; readonly fates: readonly Fate[] }
  | { readonly type: 'down'; readonly isDown: boolean }
  | { readonly type: 'touch' };

const who = fc.integer({ min: 0, max: 2 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('pass'), ms: fc.integer({ min: 100, max: 40_000 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('alone'), who, ms: fc.integer({ min: 100, max: 200_000 }) }) },
  fc.record({ type: fc.constant('set'), who, skew: fc.constantFrom(0, 3_600_000, -3_600_000, 3_000, -3_000) }),
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('kill', 'restart', 'hang'), who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('fates'),
      fates: fc.array(fc.constantFrom<Fate>('answered', 'lost', 'storedUnsaid'), { minLength: 1, maxLength: 5 }),
    }),
  },
  fc.record({ type: fc.constant('down'), isDown: fc.boolean() }),
  fc.record({ type: fc.constant('touch') }),
);

test('no tick is fired twice, and every tick is counted, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (script) => {
      const status = new SharedStatus();
      const all: CronMember[] = [];
      const live: CronMember[] = [];
      const join = async (at: number) => {
        status.isDown = false;
        const before = status.fate;
        status.fate = () => 'answered';
        // Half of the interval, so that much happens between claims and their ticks.
        const member = await CronMember.open(status, { leadMs: 5_000 });
        status.fate = before;
        all.push(member);
        live[at] = member;
      };
      const heal = () => {
        status.isDown = false;
        status.fate = () => 'answered';
      };
      for (const i of [0, 1, 2]) await join(i);

      for (const step of script) await play(step, status, live, join);
      heal();
      for (const member of live) {
        member.bench.f().takes(5);
        member.bench.f().answer(200);
      }
      await pass(live, 600_000, 2_000);

      const ids = all.flatMap((member) => member.ids);
      expect(new Set(ids).size, 'requests with one event id').toBe(ids.length);
      const { counts, open, decidedThrough } = status.record;
      const { f = noCounts() } = counts;
      expect(isBalanced(f, 0), JSON.stringify(f)).toBe(true);
      expect(f.read + open.length, 'ticks that are accounted for').toBe((decidedThrough - START) / INTERVAL_MS);
      expect(live.map(({ bench }) => bench.balanced)).toEqual([true, true, true]);
      expect(f.delivered).toBeLessThanOrEqual(ids.length);
      for (const member of live) await member.close();
      expect(status.record.open.filter(({ until }) => until <= START)).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 60_000);

async function play(step: Step, status: SharedStatus, live: CronMember[], join: (at: number) => Promise<void>) {
  const member = 'who' in step ? live[step.who] : undefined;
  switch (step.type) {
    case 'pass':
      return pass(live, step.ms, 500);
    case 'alone':
      return member && pass([member], step.ms, 1_000);
    case 'set':
      if (member !== undefined) member.skew = step.skew;
      return;
    case 'kill':
      member?.kill();
      return join('who' in step ? step.who : 0);
    case 'restart':
      status.isDown = false;
      status.fate = () => 'answered';
      await member?.close();
      return join('who' in step ? step.who : 0);
    case 'hang':
      if (member !== undefined) member.bench.f().onCall = (call) => call.firstByte();
      return;
    case 'fates': {
      let n = 0;
      status.fate = () => step.fates[n++ % step.fates.length] ?? 'answered';
      return;
    }
    case 'down':
      status.isDown = step.isDown;
      return;
    case 'touch':
      return status.touch();
    default:
      return step satisfies never;
  }
}
