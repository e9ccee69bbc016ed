import { z } from 'zod';
import { asError } from '../domain/errors.ts';
import { type EventRow, eventRow } from './event-lines.ts';
import type { Gateway } from './gateway.ts';
import { type Ledger, ledger, sumOf } from './ledger-sum.ts';
import type { Session } from './shell.ts';

/*
 * What several processes tell, as one: each has its share of the events and counts of a trigger. One that does not answer
 * is said, never left out in silence.
 */

type Asking = Pick<Session, 'gateways' | 'messages'>;
type Query = Readonly<Record<string, string | undefined>>;

const EVENTS = '/v1/events';
const eventPage = z.looseObject({ events: z.array(eventRow), skipped: z.number().optional() });

/** Outcomes that are still held, in the order in which they were recorded. */
export async function readEvents(session: Asking, query: Query): Promise<{ events: EventRow[]; skipped: number }> {
  const { answers } = await askAll(session, (gateway) => gateway.get(EVENTS, eventPage, query));
  const skipped = answers.reduce((sum, each) => sum + (each.skipped ?? 0), 0);
  const events = answers.flatMap((each) => each.events);
  return { events: answers.length > 1 ? events.sort(byRecord) : events, skipped };
}

const byRecord = (a: EventRow, b: EventRow): number => recordedAt(a) - recordedAt(b);
const recordedAt = ({ functions, time }: EventRow): number => new Date(functions[0]?.at ?? time).getTime();

/**
 * The counts of all of them: over all processes the sum is right.
 * @returns with how many did not answer
 */
export async function readLedger(session: Asking): Promise<{ ledger: Ledger; silent: number }> {
  const { answers, silent } = await askAll(session, (gateway) => gateway.get('/v1/ledger', ledger));
  return { ledger: sumOf(answers), silent };
}

/** What those who answered said. @throws TrigateError when nobody did */
async function askAll<T>({ gateways, messages }: Asking, question: (gateway: Gateway) => Promise<T>) {
  const observers = await gateways.observers();
  const settled = await Promise.allSettled(observers.map(question));
  const answers = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failures = settled.flatMap((each) => (each.status === 'rejected' ? [asError(each.reason)] : []));
  const [first] = failures;
  if (answers.length === 0 && first !== undefined) throw first;
  for (const { message } of failures) messages.warning(`What one of ${observers.length} tells is missing: ${message}`);
  return { answers, silent: failures.length };
}
