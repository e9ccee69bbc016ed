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

export interface ClaimedTick {
  readonly key: string;
  readonly event: Claimed<CronEvent>;
  /** Beyond the deadline on purpose. */
  readonly late: boolean;
}

export interface ClaimAnswer {
  readonly claimed: readonly ClaimedTick[];
  readonly dropped: readonly DroppedTick[];
  readonly gap: Gap | undefined;
}

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
    (written) => apply(answerOf(taken, ask), written),
  );
}

interface Run extends TickFacts {
  readonly late: boolean;
}

interface Taken {
  readonly runs: readonly Run[];
  readonly dropped: ClaimAnswer['dropped'];
  readonly gap: Gap | undefined;
  /** Undefined when nothing is due. */
  readonly next: CronRecord | undefined;
}

const NOTHING: Taken = { runs: [], dropped: [], gap: undefined, next: undefined };

/** Requests by hand come first: somebody waits for them. */
function take(record: CronRecord, ask: Ask): Taken {
  const { due, functions, nonce, until, deadlineMs, now } = ask;
  const room = ask.runs(record);
  const { ticks, gap } = due(record);
  const expired = record.requests.filter(({ at }) => now() - at > deadlineMs);
  const requests = record.requests.filter((each) => !expired.includes(each)).slice(0, room);
  const taken = firstRuns(ticks, room - requests.length);
  if (taken.length + requests.length + expired.length === 0 && gap === undefined) return NOTHING;

  const runs: Run[] = requests.map(({ nonce: key, at }) => runOf(handKey(key), at, now(), 0, false));
  let missed = record.missed;
  for (const each of taken) {
    if (each.type === 'run') {
      runs.push(runOf(iso(each.tick), each.tick, now(), missed, each.late));
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
  const open: OpenTick[] = runs.map(({ key, tick }) => ({ key, tick, by: nonce, until, functions }));
  return {
    runs,
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

const runOf = (key: string, tick: number, now: number, missed: number, late: boolean): Run => ({
  key,
  tick,
  lateness: now - tick,
  missed,
  late,
});

function answerOf({ runs, dropped, gap }: Taken, { makeEvent }: Ask): ClaimAnswer {
  const events = markClaimed(runs.map(makeEvent));
  const claimed = runs.flatMap(({ key, late }, i) => {
    const event = events[i];
    return event === undefined ? [] : [{ key, event, late }];
  });
  return { claimed, dropped, gap };
}
