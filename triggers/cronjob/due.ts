import type { DroppedReason, Gap } from '../../src/sdk.ts';
import type { CronRecord } from './record.ts';
import type { Schedule } from './schedule/schedule.ts';
import type { CronJobTriggerSpec } from './spec.ts';

/** A tick that is due, and what becomes of it. */
export type DueTick =
  /** `late`: beyond the deadline, and fired all the same, because `missed` says so. */
  { readonly type: 'run'; readonly tick: number; readonly late: boolean } | DroppedTick;

export interface DroppedTick {
  readonly type: 'drop';
  readonly tick: number;
  readonly reason: DroppedReason;
  /** Of one that was asked for by hand. */
  readonly key?: string;
}

export interface Due {
  /** Ascending. */
  readonly ticks: readonly DueTick[];
  /** More ticks passed than anybody counts: these were not looked at one by one. */
  readonly gap: Gap | undefined;
}

export interface DueOptions {
  readonly schedule: Schedule;
  readonly spec: Pick<CronJobTriggerSpec, 'startingDeadlineSeconds' | 'missed' | 'concurrencyPolicy'>;
  readonly now: number;
  /** Ticks from `from` on were held up by the delivery side; if they are too late now, this is why. */
  readonly heldUp?: { readonly from: number; readonly reason: DroppedReason } | undefined;
  /** Milliseconds by which a tick may be claimed before it is due, where nothing else is. Left out: none is. */
  readonly ahead?: ((tick: number, before: number) => number) | undefined;
}

/** An every-second schedule passes this in a day. */
const MOST_COUNTED = 100_000;
/** `missed: all` fires at most so many. */
const MOST_CAUGHT_UP = 100;

/**
 * Pure: the ticks between what is decided and now. A tick that is at most `startingDeadlineSeconds` late runs; a later one
 * is missed, except for those that `missed` catches up on.
 */
export function dueTicks({ decidedThrough }: Pick<CronRecord, 'decidedThrough'>, options: DueOptions): Due {
  const { spec, now, heldUp } = options;
  const { ticks, gap } = passed(decidedThrough, options);
  if (ticks.length === 0 && gap === undefined) return { ticks: nextTick(decidedThrough, options), gap };
  const onTimeFrom = now - spec.startingDeadlineSeconds * 1_000;
  const lateTicks = ticks.filter((tick) => tick < onTimeFrom);
  const caughtUpFrom = lateTicks.at(-caughtUp(spec.missed)) ?? lateTicks[0] ?? onTimeFrom;
  const hasOnTime = lateTicks.length < ticks.length;
  const decided = ticks.map((tick): DueTick => {
    if (tick >= onTimeFrom) return { type: 'run', tick, late: false };
    const isCaughtUp = spec.missed === 'all' || (spec.missed === 'one' && !hasOnTime);
    if (isCaughtUp && tick >= caughtUpFrom) return { type: 'run', tick, late: true };
    return { type: 'drop', tick, reason: heldUp !== undefined && tick >= heldUp.from ? heldUp.reason : 'missed' };
  });
  return { ticks: spec.concurrencyPolicy === 'Replace' ? onlyLast(decided) : decided, gap };
}

/** The next tick, when the time has come to claim it. */
function nextTick(decidedThrough: number, { schedule, now, ahead }: DueOptions): DueTick[] {
  if (ahead === undefined) return [];
  const tick = schedule.next(decidedThrough);
  if (tick === undefined || tick - now > ahead(tick, decidedThrough)) return [];
  return [{ type: 'run', tick, late: false }];
}

/** The first ticks of which at most `runs` run: what is decided on has to be in order. */
export function firstRuns(ticks: readonly DueTick[], runs: number): readonly DueTick[] {
  let left = runs;
  const end = ticks.findIndex((each) => each.type === 'run' && left-- === 0);
  return end < 0 ? ticks : ticks.slice(0, end);
}

/** What passed while the trigger was suspended is not missed: a person wanted it so. */
export function suspendedTicks(
  { decidedThrough, suspendedSince = decidedThrough }: Pick<CronRecord, 'decidedThrough' | 'suspendedSince'>,
  options: Pick<DueOptions, 'schedule' | 'now' | 'spec'>,
): Due {
  const { ticks, gap } = passed(decidedThrough, options);
  const reasonOf = (tick: number): DroppedReason => (tick <= suspendedSince ? 'missed' : 'paused_skip');
  return { ticks: ticks.map((tick) => ({ type: 'drop', tick, reason: reasonOf(tick) })), gap };
}

function passed(after: number, { schedule, now, spec }: Pick<DueOptions, 'schedule' | 'now' | 'spec'>) {
  const ticks: number[] = [];
  for (let tick = schedule.next(after); tick !== undefined && tick <= now; tick = schedule.next(tick)) {
    ticks.push(tick);
    if (ticks.length > MOST_COUNTED) return afterGap(after, { schedule, now, spec });
  }
  return { ticks, gap: undefined };
}

function afterGap(from: number, { schedule, now, spec }: Pick<DueOptions, 'schedule' | 'now' | 'spec'>) {
  const to = now - Math.min(spec.startingDeadlineSeconds, MOST_COUNTED / 2) * 1_000;
  const ticks: number[] = [];
  for (let tick = schedule.next(to); tick !== undefined && tick <= now; tick = schedule.next(tick)) ticks.push(tick);
  const gap: Gap = { from, to, cause: `more than ${MOST_COUNTED} ticks passed while nobody ran this trigger` };
  return { ticks, gap };
}

const caughtUp = (missed: CronJobTriggerSpec['missed']): number => (missed === 'all' ? MOST_CAUGHT_UP : 1);

/** `Replace`: the later of two ticks gives up the call of the earlier, so only the last is worth a call. */
function onlyLast(ticks: readonly DueTick[]): DueTick[] {
  const last = ticks.findLast(({ type }) => type === 'run');
  return ticks.map((each) =>
    each.type === 'run' && each !== last ? { type: 'drop', tick: each.tick, reason: 'missed' } : each,
  );
}
