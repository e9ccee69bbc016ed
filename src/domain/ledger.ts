import type { Event } from './event.ts';
import type { DroppedReason, Outcome, UnknownReason } from './outcome.ts';
import { droppedReasons, unknownReasons } from './outcome.ts';

/** Counts of copies for one (trigger, function). */
export interface Counts {
  read: number;
  filtered: number;
  droppedBeforeClaim: Record<DroppedReason, number>;
  claimed: number;
  delivered: number;
  rejected: number;
  unknown: Record<UnknownReason, number>;
  dropped: Record<DroppedReason, number>;
}

const zeroes = <K extends string>(keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;

export function noCounts(): Counts {
  return {
    read: 0,
    filtered: 0,
    droppedBeforeClaim: zeroes(droppedReasons),
    claimed: 0,
    delivered: 0,
    rejected: 0,
    unknown: zeroes(unknownReasons),
    dropped: zeroes(droppedReasons),
  };
}

export const copyCounts = (counts: Readonly<Counts>): Counts => ({
  ...counts,
  droppedBeforeClaim: { ...counts.droppedBeforeClaim },
  unknown: { ...counts.unknown },
  dropped: { ...counts.dropped },
});

export function countOutcome(counts: Counts, outcome: Outcome): void {
  switch (outcome.type) {
    case 'delivered':
      counts.delivered++;
      return;
    case 'rejected':
      counts.rejected++;
      return;
    case 'unknown':
      counts.unknown[outcome.reason]++;
      return;
    case 'dropped':
      counts.dropped[outcome.reason]++;
      return;
    default:
      outcome satisfies never;
  }
}

export const total = (byReason: Record<string, number>): number =>
  Object.values(byReason).reduce((sum, n) => sum + n, 0);

/**
 * Invariant I2: read = filtered + dropped before the claim + claimed, and
 * claimed = delivered + rejected + unknown + dropped after the claim + in flight.
 * @param inFlight what the lane really holds, counted apart from the counts
 */
export function isBalanced(counts: Counts, inFlight: number): boolean {
  return (
    counts.read === counts.filtered + total(counts.droppedBeforeClaim) + counts.claimed &&
    counts.claimed === counts.delivered + counts.rejected + total(counts.unknown) + total(counts.dropped) + inFlight
  );
}

/** Adds counts, or with -1 takes them away. */
export function addCounts(to: Counts, counts: Readonly<Counts>, sign: 1 | -1): void {
  for (const key of ['read', 'filtered', 'claimed', 'delivered', 'rejected'] as const) to[key] += sign * counts[key];
  for (const key of ['droppedBeforeClaim', 'unknown', 'dropped'] as const) addReasons(to[key], counts[key], sign);
}

/** Adds counts by reason, also of a later version. */
export function addReasons(to: Record<string, number>, counts: Readonly<Record<string, number>>, sign: 1 | -1): void {
  for (const [reason, count] of Object.entries(counts))
    to[reason] = (Object.hasOwn(to, reason) ? (to[reason] ?? 0) : 0) + sign * count;
}

/** A time in which a source lost an unknown number of events: never counted as a number of events. */
export interface Gap {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly cause: string;
}

/**
 * What a source tells the ledger about events that never become copies in a lane. Counts are per function of the
 * subscription: one event before the claim is one copy for each of them.
 */
export interface Account {
  /** Events that the source has taken up to decide on: each is afterwards filtered, dropped, or claimed. */
  read(events: number): void;
  filtered(events: number): void;
  /** One event that will not be claimed, and why. It shows in the feed. */
  dropped(event: Event, reason: DroppedReason): void;
  /** Events that are gone and were never read. They are only counted: nobody knows what they were. */
  lost(events: number, reason: DroppedReason): void;
  /** Claimed by a process that died: `unknown(crash)` or `dropped(claim_lost)`, one by one in the feed. */
  inDoubt(event: Pick<Event, 'id' | 'time' | 'coordinates'>, functionName: string, outcome: Outcome): void;
  gap(gap: Gap): void;
  /**
   * Replaces the counts of a function by those stored with the claims. Call it on opening, before the first `read`.
   * A source whose counts live in the process alone never calls it.
   */
  restore(functionName: string, counts: Counts): void;
  /** A part of the source (a partition) is ours from now on, with the counts that are stored with its claims. */
  adopt(functionName: string, counts: Counts): void;
  /** That part is another owner's now, and so are these counts. */
  release(functionName: string, counts: Counts): void;
  /** The counts as they stand, to be stored with the claims. */
  counts(functionName: string): Readonly<Counts>;
}

/** One function's row in `GET /v1/ledger`. Reasons that never occurred are left out. */
export interface FunctionReport {
  readonly name: string;
  readonly read: number;
  readonly filtered: number;
  readonly claimed: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly unknown: Readonly<Partial<Record<UnknownReason, number>>>;
  readonly droppedBeforeClaim: Readonly<Partial<Record<DroppedReason, number>>>;
  readonly dropped: Readonly<Partial<Record<DroppedReason, number>>>;
  readonly inFlight: number;
}

/** `GET /v1/ledger`. */
export interface LedgerReport {
  readonly balanced: boolean;
  readonly triggers: readonly {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly gaps: readonly Gap[];
    readonly functions: readonly FunctionReport[];
  }[];
}
