import { type Clock, delay, TrigateError } from '../../../src/sdk.ts';
import { createInbox } from '../client.ts';
import { isNoResponders, type JetStreamApi } from './api.ts';

/*
 * Openings of a consumer, one after the other: what a dead member left is found by leaving out what all others have, so two
 * who look at once would both count it. Whose turn it is stands in one record, by compare-and-swap, with an inbox. It is
 * over when nobody listens there any more: an opening that is killed holds up nobody.
 */

const ANSWER_WITHIN_MS = 1_000;
const EVERY_MS = 50;
/** An opening waits for members, for the server, and for a stop. */
const AT_MOST_MS = 30_000;

const decoder = new TextDecoder();

export interface Turn {
  end(): void;
}

/** Resolves when no other process opens this consumer. @throws TrigateError CONFLICT when one does so for very long */
export async function takeTurn(api: JetStreamApi, subject: string, clock: Clock, signal: AbortSignal): Promise<Turn> {
  const inbox = createInbox();
  const listening = api.connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error === null) message.respond();
    },
  });
  try {
    await api.connection.flush();
    await waitFor(api, subject, inbox, clock, signal);
  } catch (error) {
    listening.unsubscribe();
    throw error;
  }
  return { end: () => listening.unsubscribe() };
}

async function waitFor(
  api: JetStreamApi,
  subject: string,
  inbox: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const until = clock.monotonic() + AT_MOST_MS;
  let revision = 0;
  while (clock.monotonic() < until) {
    signal.throwIfAborted();
    const claimed = await claim(api, subject, inbox, revision);
    if (claimed === 'ours') return;
    if (claimed === 'stands') {
      const stored = await api.record(subject);
      const holder = stored && decoder.decode(stored.data);
      if (holder === inbox) return;
      revision = stored?.revision ?? 0;
      if (holder === undefined || !(await isListening(api, holder))) continue;
      revision = 0;
    }
    await delay(clock, EVERY_MS);
  }
  throw new TrigateError('CONFLICT', 'another process is opening this consumer, and does not come to an end');
}

/**
 * In place of the record with that revision. It is tried before anything is read: a stream that was just made does not
 * answer who reads from it, and says at once to who writes that it is not there yet.
 */
async function claim(
  api: JetStreamApi,
  subject: string,
  inbox: string,
  revision: number,
): Promise<'ours' | 'stands' | 'not yet'> {
  try {
    const stored = await api.store(subject, new TextEncoder().encode(inbox), revision);
    return stored === undefined ? 'stands' : 'ours';
  } catch (error) {
    if (isNoResponders(error)) return 'not yet';
    throw error;
  }
}

/** One that does not answer in time is there all the same. */
export async function isListening({ connection }: JetStreamApi, inbox: string): Promise<boolean> {
  try {
    await connection.request(inbox, undefined, { timeout: ANSWER_WITHIN_MS });
    return true;
  } catch (error) {
    return !isNoResponders(error);
  }
}
