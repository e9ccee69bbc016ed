import {
  addCounts,
  type Counts,
  type CountsByFunction,
  copyCounts,
  noCounts,
  storedCounts,
  TrigateError,
  withoutZeros,
  z,
} from '../../src/sdk.ts';

/*
 * What stands in the status of a CronJobTrigger, under `claims` and the group (the function, or `*` when shared):
 *
 *   uid, schedule      what it belongs to
 *   n, by              how often it has been written, and the nonce of who wrote last: that process shows the counts
 *   decidedThrough     every tick up to here is claimed or counted; it never goes back, but for a tick that was claimed ahead
 *                      and is given back by its claimer, unfired
 *   lastClaimedTick, lastFinishedTick   for people
 *   open               claimed and not finished, each with its claimer's nonce; alive until `until`, which a claimer that
 *                      lives moves on
 *   requests           fired by hand, and not claimed yet
 *   missed             ticks that were not claimed since the last one that was
 *   counts             per function, of everything that is decided and not open: they balance by themselves
 *
 * Every write is a compare-and-swap of the whole object, so that of any number of processes one claims a tick.
 */

export interface OpenTick {
  /** The tick as text, or `hand:` and the nonce of the request. */
  readonly key: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly tick: number;
  readonly by: string;
  readonly until: number;
  readonly functions: readonly string[];
}

export interface FireRequest {
  readonly nonce: string;
  readonly at: number;
}

export interface CronRecord {
  readonly uid: string;
  readonly schedule: string;
  readonly n: number;
  readonly by: string;
  readonly decidedThrough: number;
  readonly lastClaimedTick: number | undefined;
  readonly lastFinishedTick: number | undefined;
  readonly suspendedSince: number | undefined;
  readonly missed: number;
  readonly open: readonly OpenTick[];
  readonly requests: readonly FireRequest[];
  readonly counts: CountsByFunction;
}

const time = z.iso.datetime().transform((text) => Date.parse(text));

const stored = z.object({
  uid: z.string(),
  schedule: z.string(),
  n: z.int().min(0),
  by: z.string(),
  decidedThrough: time,
  lastClaimedTick: time.optional(),
  lastFinishedTick: time.optional(),
  suspendedSince: time.optional(),
  missed: z.int().min(0).default(0),
  open: z
    .array(z.object({ key: z.string(), tick: time, by: z.string(), until: time, functions: z.array(z.string()) }))
    .default([]),
  requests: z.array(z.object({ nonce: z.string(), at: time })).default([]),
  counts: z.record(z.string(), storedCounts).default({}),
});

/**
 * Undefined where nothing was stored, or for another object.
 * @throws TrigateError INTERNAL for what cannot be read: guessing could fire a tick twice
 */
export function readRecord(value: unknown, uid: string): CronRecord | undefined {
  if (value === undefined || value === null) return undefined;
  const { data } = stored.safeParse(value);
  if (data === undefined) throw new TrigateError('INTERNAL', 'status.claims cannot be read; nothing is fired.');
  if (data.uid !== uid) return undefined;
  const { lastClaimedTick, lastFinishedTick, suspendedSince } = data;
  return { ...data, lastClaimedTick, lastFinishedTick, suspendedSince };
}

export function writeRecord(record: CronRecord): object {
  const { open, requests, counts, missed } = record;
  return {
    uid: record.uid,
    schedule: record.schedule,
    n: record.n,
    by: record.by,
    decidedThrough: iso(record.decidedThrough),
    ...optional('lastClaimedTick', record.lastClaimedTick),
    ...optional('lastFinishedTick', record.lastFinishedTick),
    ...optional('suspendedSince', record.suspendedSince),
    ...(missed > 0 && { missed }),
    ...(open.length > 0 && { open: open.map((each) => ({ ...each, tick: iso(each.tick), until: iso(each.until) })) }),
    ...(requests.length > 0 && { requests: requests.map(({ nonce, at }) => ({ nonce, at: iso(at) })) }),
    counts: Object.fromEntries(Object.entries(counts).map(([name, own]) => [name, withoutZeros(own)])),
  };
}

export const iso = (ms: number): string => new Date(ms).toISOString();

const optional = (name: string, ms: number | undefined) => (ms === undefined ? {} : { [name]: iso(ms) });

/** A record with which nothing has happened yet: ticks count from now on. */
export const newRecord = (uid: string, schedule: string, now: number): CronRecord => ({
  uid,
  schedule,
  n: 0,
  by: '',
  decidedThrough: now,
  lastClaimedTick: undefined,
  lastFinishedTick: undefined,
  suspendedSince: undefined,
  missed: 0,
  open: [],
  requests: [],
  counts: {},
});

/** What is stored with one more request to fire; undefined where nothing was stored for this object yet. */
export function withRequest(value: unknown, uid: string, request: FireRequest): object | undefined {
  const record = readRecord(value, uid);
  return record && writeRecord({ ...record, n: record.n + 1, requests: [...record.requests, request] });
}

/** The same counts and, for each function, some more. */
export function plus(counts: CountsByFunction, functions: readonly string[], more: Counts): CountsByFunction {
  const sums: Record<string, Counts> = { ...counts };
  for (const name of functions) {
    const sum = copyCounts((Object.hasOwn(sums, name) ? sums[name] : undefined) ?? noCounts());
    addCounts(sum, more, 1);
    sums[name] = sum;
  }
  return sums;
}
