import { type Account, type Counts, countOutcome, noCounts, type Outcome } from '../../../src/sdk.ts';
import type { BareEvent } from '../event.ts';
import type { Naming } from './naming.ts';
import type { MemberRecord } from './record.ts';
import type { Unrecorded } from './unrecorded.ts';

/** Delivered to a member that died, and it may have sent them. */
export const CRASHED: Outcome = { type: 'unknown', reason: 'crash', ms: 0 };
/** Delivered to a member that was not there any more: nobody can have sent it. */
export const NEVER_SENT: Outcome = { type: 'dropped', reason: 'claim_lost' };

/** What a predecessor leaves: its counts, and its claims without an outcome. */
export interface Inheritance {
  readonly counts: Map<string, Counts>;
  readonly doubts: readonly Doubt[];
}

export interface Doubt {
  readonly event: BareEvent;
  readonly outcome: Outcome;
  readonly functions: readonly string[];
  /** Not in the counts yet. */
  readonly isNew: boolean;
}

/** Claims that a member left open. */
export async function openClaims(record: MemberRecord, naming: Naming): Promise<Doubt[]> {
  const events = await naming.at(record.open);
  return events.map((event) => ({ event, outcome: CRASHED, functions: record.functions, isNew: false }));
}

/** Deliveries that nobody has any more, by their events. */
export async function laterClaims(
  { deliveries, outcome }: Unrecorded,
  functions: readonly string[],
  naming: Naming,
): Promise<Doubt[]> {
  const doubts: Doubt[] = [];
  for (const missing of deliveries)
    for (const event of await naming.missing(missing)) doubts.push({ event, outcome, functions, isNew: true });
  return doubts;
}

/** Adds doubts to stored counts. */
export function countDoubts(counts: Map<string, Counts>, doubts: readonly Doubt[]): void {
  for (const { functions, outcome, isNew } of doubts) {
    for (const name of functions) {
      const own = counts.get(name) ?? noCounts();
      counts.set(name, own);
      if (isNew) {
        own.read++;
        own.claimed++;
      }
      countOutcome(own, outcome);
    }
  }
}

/** Tells the account, one by one: they show in the feed. */
export function tellDoubts(account: Account, doubts: readonly Doubt[]): void {
  const claim = { ...noCounts(), read: 1, claimed: 1 };
  for (const { event, functions, outcome, isNew } of doubts) {
    for (const name of functions) {
      if (isNew) account.adopt(name, claim);
      account.inDoubt(event, name, outcome);
    }
  }
}
