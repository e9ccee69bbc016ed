import type { Gap, Outcome } from '../../../src/sdk.ts';
import type { ConsumerFacts } from './api.ts';
import type { Membership } from './membership.ts';
import type { MemberRecord } from './record.ts';
import { together, type Untaken, untaken } from './taken.ts';
import { CRASHED, NEVER_SENT } from './takeover.ts';

/*
 * What a member claimed after its last record, when it was killed. The server tells nobody which events it waits for, and
 * whom it gave them to. But it numbers its deliveries, and a member gets its own in order, so these have numbers behind the
 * last one that its record knows. Of all deliveries from there on, those of each other member are left out: one that lives
 * is asked, and answers when nothing is on its way to it; of one that left, or was killed at the same time, its record
 * lists them. What remains came to the dead one.
 *
 * It is done when it is our turn (`turn.ts`), and belongs to our own deliveries in the same record in which it is counted.
 * So whoever looks next leaves it out, and when we are killed before that record stands, it is found again.
 */

export interface Unrecorded {
  readonly deliveries: readonly Untaken[];
  readonly outcome: Outcome;
  /** Beside them, when somebody does not say all that it has. */
  readonly gap?: Gap;
}

/** @param now milliseconds since the epoch */
export async function unrecorded(
  membership: Membership | undefined,
  { created, delivered }: ConsumerFacts,
  now: number,
): Promise<Unrecorded> {
  const found = (membership?.slots ?? []).flatMap((slot) => slot.found ?? []);
  const same = found.filter((record) => record.consumer === created).toSorted(byReach);
  const dead = same.find(({ owner, isKept }) => owner !== null && !isKept);
  const outcome = dead === undefined ? NEVER_SENT : CRASHED;
  const none = { deliveries: [], outcome };
  // When nobody died and nobody else reads, deliveries behind all records came in vain.
  const known = dead ?? ((await membership?.isAlone()) ? same.at(-1) : undefined);
  if (membership === undefined || known === undefined) return none;
  const { last } = known;
  if (last.consumerSequence >= delivered.consumerSequence) return none;

  const question = { consumer: created, from: last.consumerSequence, through: delivered.consumerSequence };
  const others = await membership.askOthers(question);
  const cause = 'a member of the consumer was killed, and another one does not say all that it has claimed';
  const gap = { from: known.at, to: now, cause };
  if (others === undefined) return { ...none, gap };
  const { since, runs } = together([...same.map(({ taken }) => taken), others]);
  if (since.consumerSequence <= last.consumerSequence) return { deliveries: untaken(last, delivered, runs), outcome };
  return { deliveries: untaken(since, delivered, runs), outcome, gap };
}

const byReach = (a: MemberRecord, b: MemberRecord): number => a.last.consumerSequence - b.last.consumerSequence;
