import { type Claimed, type Gap, markClaimed } from '../../src/sdk.ts';
import { withDropped } from './books.ts';
import { type DroppedTick, type Due, firstRuns } from './due.ts';
import { type CronEvent, handKey, type TickFacts } from './event.ts';
import { type CronRecord, iso, type OpenTick } from './record.ts';
import type { RecordStore, Written } from './record-store.ts';

/** What is to be claimed and what to be counted, worked out anew for each record that turns up. */
export interface Ask {
  readonly due: (record: CronRecord) => Due;
  /** How many may run. */
  readonly runs: (record: CronRecord) => number;
  readonly functions: readonly string[];
  readonly nonce: string;
  readonly until: number;
  readonly deadlineMs: number;
  readonly now: () => number;
  readonly makeEvent: (facts: TickFacts) => CronEvent;
}

/** A tick that is ours to fire: made here alone, from an answer that says so. */
export interface ClaimedTick {
  /** `OpenTick.key`. */
  readonly key: string;
  readonly tick: number;
  /** Ticks before it that nobody fired. */
  readonly missed: number;
  /** Beyond the deadline on purpose. */
  readonly late: boolean;
  /** It was not due yet. */
  readonly isAhead: boolean;
}

export interface ClaimAnswer {
  readonly claimed: readonly ClaimedTick[];
  readonly dropped: readonly DroppedTick[];
  readonly gap: Gap | undefined;
}

/** Claimed ticks as events of this moment, which says how late they are. */
export const eventsOf = (
  ticks: readonly ClaimedTick[],
  makeEvent: (facts: TickFacts) => CronEvent,
  now: number,
): readonly Claimed<CronEvent>[] =>
  markClaimed(ticks.map(({ key, tick, missed }) => makeEvent({ key, tick, missed, lateness: now - tick })));

/**
 * Claims ticks, and counts those that will not run, in one compare-and-swap. Only what it answers is ours to fire.
 * @param apply runs in the turn in which the answer came
 * @throws TrigateError CLAIM_IN_DOUBT: then nothing may be fired
 */
export async function claimTicks(
  records: RecordStore,
  signal: AbortSignal,
  ask: Ask,
  apply: (answer: ClaimAnswer, written: Written) => void,
): Promise<void> {
  let taken: Taken = NOTHING;
  await records.change(
    { type: 'claim', signal },
    (record) => {
      taken = take(record, ask);
      return taken.next;
    },
    (written) => apply(taken, written),
  );
}

interface Taken extends ClaimAnswer {
  /** Undefined when nothing is due. */
  readonly next: CronRecord | undefined;
}

const NOTHING: Taken = { claimed: [], dropped: [], gap: undefined, next: undefined };

/** Requests by hand come first: somebody waits for them. */
function take(record: CronRecord, ask: Ask): Taken {
  const { due, functions, nonce, until, deadlineMs, now } = ask;
  const room = ask.runs(record);
  const { ticks, gap } = due(record);
  const expired = record.requests.filter(({ at }) => now() - at > deadlineMs);
  const requests = record.requests.filter((each) => !expired.includes(each)).slice(0, room);
  const taken = firstRuns(ticks, room - requests.length);
  if (taken.length + requests.length + expired.length === 0 && gap === undefined) return NOTHING;

  const claimed: ClaimedTick[] = requests.map(({ nonce: key, at }) => claimedTick(handKey(key), at, 0));
  let missed = record.missed;
  for (const each of taken) {
    if (each.type === 'run') {
      const { tick, late } = each;
      claimed.push({ ...claimedTick(iso(tick), tick, missed), late, isAhead: tick > now() });
      missed = 0;
    } else missed++;
  }
  const dropped = [
    ...expired.map(
      ({ nonce: key, at }): DroppedTick => ({ type: 'drop', tick: at, reason: 'missed', key: handKey(key) }),
    ),
    ...taken.filter((each) => each.type === 'drop'),
  ];
  const lastRun = taken.findLast(({ type }) => type === 'run');
  const open: OpenTick[] = claimed.map(({ key, tick }) => ({ key, tick, by: nonce, until, functions }));
  return {
    claimed,
    dropped,
    gap,
    next: {
      ...record,
      decidedThrough: Math.max(record.decidedThrough, taken.at(-1)?.tick ?? gap?.to ?? 0),
      lastClaimedTick: lastRun?.tick ?? record.lastClaimedTick,
      missed,
      open: [...record.open, ...open],
      requests: record.requests.filter((each) => !requests.includes(each) && !expired.includes(each)),
      counts: withDropped(record.counts, functions, dropped),
    },
  };
}

const claimedTick = (key: string, tick: number, missed: number): ClaimedTick => ({
  key,
  tick,
  missed,
  late: false,
  isAhead: false,
});

/** The claim of a tick, if it stands and is that claimer's. */
export const openClaim = ({ open }: CronRecord, key: string, nonce: string): OpenTick | undefined =>
  open.find((each) => each.key === key && each.by === nonce);

/**
 * The record as if a tick had not been claimed, by its claimer, who will never fire it: the next one may claim it.
 * Undefined when that cannot be: its claim is not there any more (given back in a write whose answer was lost, it may be
 * another's by now), or something behind it is decided.
 * @param before `decidedThrough` and `lastClaimedTick` as they were when it was claimed
 */
export function withoutClaim(
  record: CronRecord,
  { key, tick, missed }: ClaimedTick,
  nonce: string,
  before: Pick<CronRecord, 'decidedThrough' | 'lastClaimedTick' | 'schedule'>,
  now: number,
): CronRecord | undefined {
  if (record.decidedThrough !== tick || openClaim(record, key, nonce) === undefined) return undefined;
  // Another schedule goes on from now.
  const { decidedThrough: from, schedule, lastClaimedTick } = before;
  const decidedThrough = record.schedule === schedule ? from : Math.max(from, now);
  if (decidedThrough >= tick) return undefined;
  const open = record.open.filter((each) => each.key !== key);
  return { ...record, decidedThrough, lastClaimedTick, missed: record.missed + missed, open };
}
