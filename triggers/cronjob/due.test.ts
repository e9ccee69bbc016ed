import { describe, expect, test } from 'vitest';
import { type DueOptions, type DueTick, dueTicks, firstRuns, suspendedTicks } from './due.ts';
import { parseSchedule } from './schedule/schedule.ts';

const MINUTE = 60_000;
const options = (spec: Partial<DueOptions['spec']> = {}, more: Partial<DueOptions> = {}): DueOptions => ({
  schedule: parseSchedule('* * * * *'),
  spec: { startingDeadlineSeconds: 90, missed: 'skip', concurrencyPolicy: 'Allow', ...spec },
  now: 5 * MINUTE,
  ...more,
});
const shown = (ticks: readonly DueTick[]) =>
  ticks.map((each) => `${each.tick / MINUTE} ${each.type === 'drop' ? each.reason : each.late ? 'late' : 'run'}`);

describe('ticks that are due', () => {
  test('run within the deadline and are missed beyond it; what is decided is not looked at again', () => {
    expect(shown(dueTicks({ decidedThrough: MINUTE }, options()).ticks)).toEqual([
      '2 missed',
      '3 missed',
      '4 run',
      '5 run',
    ]);
    expect(dueTicks({ decidedThrough: 5 * MINUTE }, options()).ticks).toEqual([]);
    expect(dueTicks({ decidedThrough: 60 * MINUTE }, options()).ticks).toEqual([]);
  });

  test('just at the deadline still run', () => {
    const { ticks } = dueTicks({ decidedThrough: 2 * MINUTE }, options({ startingDeadlineSeconds: 120 }));
    expect(shown(ticks)).toEqual(['3 run', '4 run', '5 run']);
  });

  test('are caught up on as `missed` says: the latest only where nothing newer runs', () => {
    const missed = (policy: DueOptions['spec']['missed'], now: number) =>
      shown(dueTicks({ decidedThrough: 0 }, options({ missed: policy, startingDeadlineSeconds: 10 }, { now })).ticks);
    expect(missed('one', 3 * MINUTE + 30_000)).toEqual(['1 missed', '2 missed', '3 late']);
    expect(missed('one', 3 * MINUTE)).toEqual(['1 missed', '2 missed', '3 run']);
    expect(missed('all', 3 * MINUTE + 30_000)).toEqual(['1 late', '2 late', '3 late']);
    expect(missed('all', 200 * MINUTE).filter((each) => each.endsWith('missed'))).toHaveLength(99);
  });

  test('that waited for room in vain are dropped for the reason of the gate', () => {
    const heldUp = { from: 3 * MINUTE, reason: 'no_endpoint' } as const;
    const { ticks } = dueTicks({ decidedThrough: MINUTE }, options({}, { heldUp }));
    expect(shown(ticks)).toEqual(['2 missed', '3 no_endpoint', '4 run', '5 run']);
  });

  test('with Replace only the last runs', () => {
    const { ticks } = dueTicks({ decidedThrough: 2 * MINUTE }, options({ concurrencyPolicy: 'Replace' }));
    expect(shown(ticks)).toEqual(['3 missed', '4 missed', '5 run']);
  });

  test('are decided in order: nothing behind a tick that may not run yet', () => {
    const { ticks } = dueTicks({ decidedThrough: MINUTE }, options());
    expect(shown(firstRuns(ticks, 0))).toEqual(['2 missed', '3 missed']);
    expect(shown(firstRuns(ticks, 1))).toEqual(['2 missed', '3 missed', '4 run']);
    expect(firstRuns(ticks, 2)).toEqual(ticks);
  });

  test('are a gap where there are too many to count', () => {
    const second = options({}, { schedule: parseSchedule('@every 1s'), now: 200_000_000 });
    const { ticks, gap } = dueTicks({ decidedThrough: 0 }, second);
    expect(gap).toMatchObject({ from: 0, to: 199_910_000 });
    expect(ticks).toHaveLength(90);
    expect(ticks.every(({ type }) => type === 'run')).toBe(true);
  });

  test('that passed while suspended are not missed', () => {
    const { ticks } = suspendedTicks({ decidedThrough: MINUTE, suspendedSince: 3 * MINUTE }, options());
    expect(shown(ticks)).toEqual(['2 missed', '3 missed', '4 paused_skip', '5 paused_skip']);
  });
});
