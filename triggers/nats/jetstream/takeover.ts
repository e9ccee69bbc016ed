import { type Account, type Counts, countOutcome, noCounts, type Outcome } from '../../../src/sdk.ts';
import type { BareEvent } from '../event.ts';
import type { ConsumerFacts, Delivered } from './api.ts';
import type { Membership } from './membership.ts';
import type { Naming } from './naming.ts';
import type { MemberRecord } from './record.ts';

const CRASHED: Outcome = { type: 'unknown', reason: 'crash', ms: 0 };
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

/** The record that reached farthest in the consumer as it is now, or else the latest. */
export function lastRecord(membership: Membership | undefined): MemberRecord | undefined {
  const found = membership?.slots.flatMap((slot) => slot.found ?? []) ?? [];
  return found.toSorted((a, b) => b.at - a.at)[0];
}

/** How far the records know the deliveries of the consumer. Undefined: it is not the consumer that they are about. */
export function knownUpTo(membership: Membership | undefined, consumer: ConsumerFacts): Delivered | undefined {
  const found = membership?.slots.flatMap((slot) => slot.found ?? []) ?? [];
  const same = found.filter((record) => record.consumer === consumer.created);
  return same.map(({ last }) => last).toSorted((a, b) => b.consumerSequence - a.consumerSequence)[0];
}

/** Claims that a member left open. */
export async function openClaims(record: MemberRecord, naming: Naming): Promise<Doubt[]> {
  const events = await naming.at(record.open);
  return events.map((event) => ({ event, outcome: CRASHED, functions: record.functions, isNew: false }));
}

/**
 * Deliveries behind all records. To a member that had left by itself they came in vain; one that died may have sent them.
 */
export async function laterClaims(
  known: Delivered,
  consumer: ConsumerFacts,
  last: MemberRecord | undefined,
  functions: readonly string[],
  naming: Naming,
): Promise<Doubt[]> {
  const { delivered } = consumer;
  const count = delivered.consumerSequence - known.consumerSequence;
  if (count <= 0) return [];
  const events = await naming.missing({ count, after: known.sequence, through: delivered.sequence });
  const outcome = last?.owner === null ? NEVER_SENT : CRASHED;
  return events.map((event) => ({ event, outcome, functions, isNew: true }));
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
