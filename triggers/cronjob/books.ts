import { type Account, type Counts, countOutcome, droppedReasons, noCounts, type Outcome } from '../../src/sdk.ts';
import type { ClaimAnswer } from './claim.ts';
import { type CountsByFunction, notClaimed, oneClaimed } from './counts.ts';
import type { DroppedTick } from './due.ts';
import type { CronEvent } from './event.ts';
import type { CronRecord, OpenTick } from './record.ts';
import { plus } from './record.ts';
import type { Written } from './record-store.ts';

/** The most ticks that show in the feed one by one. */
const MOST_SHOWN = 100;

/**
 * Which counts this process shows. All of a trigger's counts are stored together, and any process may add to them; so the
 * one that wrote last shows them, and every process shows beside them what it has passed on and not stored yet. Over
 * all processes the sum is right, as soon as those that wrote before have seen who wrote last.
 */
export class Books {
  readonly #account: Account;
  readonly #nonce: string;
  #shown: CountsByFunction | undefined;

  constructor(account: Account, nonce: string) {
    this.#account = account;
    this.#nonce = nonce;
  }

  /** On opening, when our first write is stored: whatever an earlier source of this process has left is gone. */
  open({ counts }: CronRecord, functions: readonly string[]): void {
    for (const name of functions) this.#account.restore(name, noCounts());
    for (const [name, stored] of Object.entries(counts)) this.#account.restore(name, stored);
    this.#shown = counts;
  }

  /** What we wrote is stored, and `tell` says to the account what is new in it. */
  wrote({ before, after }: Written, tell: () => void): void {
    if (this.#shown === undefined) this.#each(before.counts, (name, counts) => this.#account.adopt(name, counts));
    tell();
    this.#shown = after.counts;
  }

  saw({ by }: CronRecord): void {
    if (by === this.#nonce || this.#shown === undefined) return;
    this.#each(this.#shown, (name, counts) => this.#account.release(name, counts));
    this.#shown = undefined;
  }

  dropped(dropped: ClaimAnswer['dropped'], eventOf: (dropped: DroppedTick) => CronEvent): void {
    const unshown = dropped.slice(0, -MOST_SHOWN);
    for (const { reason } of unshown) this.#account.lost(1, reason);
    const shown = dropped.slice(-MOST_SHOWN);
    this.#account.read(shown.length);
    for (const each of shown) this.#account.dropped(eventOf(each), each.reason);
  }

  /** A tick that was claimed and never passed: it has its outcome now. */
  unsent(event: CronEvent, functions: readonly string[], outcome: Outcome): void {
    for (const name of functions) {
      this.#account.adopt(name, oneClaimed());
      this.#account.inDoubt(event, name, outcome);
    }
  }

  /** What was passed here, and another process has counted as lost meanwhile. */
  notOurs(functions: readonly string[], outcomes: readonly Outcome[]): void {
    functions.forEach((name, i) => {
      const outcome = outcomes[i];
      if (outcome !== undefined) this.#account.release(name, oneOutcome(outcome));
    });
  }

  #each(counts: CountsByFunction, visit: (name: string, counts: Counts) => void): void {
    for (const [name, own] of Object.entries(counts)) visit(name, own);
  }
}

function oneOutcome(outcome: Outcome): Counts {
  const counts = oneClaimed();
  countOutcome(counts, outcome);
  return counts;
}

/** An open tick, and what came of its copies. */
export interface EndedTick {
  readonly tick: OpenTick;
  /** One for each of its functions. */
  readonly outcomes: readonly Outcome[];
}

/** The record without some open ticks, and their copies counted. */
export function closeTicks(record: CronRecord, ended: readonly EndedTick[]): CronRecord {
  const keys = new Set(ended.map(({ tick }) => tick.key));
  let { counts, lastFinishedTick } = record;
  for (const { tick, outcomes } of ended) {
    lastFinishedTick = Math.max(lastFinishedTick ?? 0, tick.tick);
    tick.functions.forEach((name, i) => {
      const outcome = outcomes[i];
      if (outcome !== undefined) counts = plus(counts, [name], oneOutcome(outcome));
    });
  }
  return { ...record, counts, lastFinishedTick, open: record.open.filter(({ key }) => !keys.has(key)) };
}

/** Stored counts, and ticks that were not claimed. */
export function withDropped(
  counts: CountsByFunction,
  functions: readonly string[],
  dropped: readonly DroppedTick[],
): CountsByFunction {
  return droppedReasons.reduce((sum, reason) => {
    const ticks = dropped.filter((each) => each.reason === reason).length;
    return ticks === 0 ? sum : plus(sum, functions, notClaimed(ticks, reason));
  }, counts);
}
