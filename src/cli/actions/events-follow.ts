import { z } from 'zod';
import { delay } from '../../domain/clock.ts';
import { TrigateError } from '../../domain/errors.ts';
import { createBackoff } from '../../resources/backoff.ts';
import { parseJson } from '../../resources/json.ts';
import { type EventRow, eventRow } from '../event-lines.ts';
import type { Gateway } from '../gateway.ts';
import { readServerSentEvents, type ServerSentEvent } from '../server-sent-events.ts';
import type { Session } from '../shell.ts';

type Query = Readonly<Record<string, string | undefined>>;

/** Who reads a live feed. */
export interface FeedReader {
  /** Called each time that the gateway has taken the request. */
  opened(): void;
  print(row: EventRow): void;
}

const PATH = '/v1/events';
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
const skipped = z.object({ rows: z.number() });

/**
 * The live tail of one gateway: prints rows as they come until the signal aborts. When the gateway goes away, it comes back to where it
 * was as soon as there is one, and says so. What it could not show is said too: rows that were overwritten before they
 * were sent, and a gateway that was started anew, which holds nothing of before.
 *
 * @throws TrigateError when the gateway is not there at first, or refuses
 */
export async function followGateway(
  { messages, terminal }: Pick<Session, 'messages' | 'terminal'>,
  gateway: Gateway,
  query: Query,
  { opened, print }: FeedReader,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random: Math.random });
  const tail = new Tail(gateway.name, print, messages.warning);
  let away = false;
  while (!signal.aborted) {
    const from = tail.place === undefined ? query : { ...query, since: undefined, limit: undefined, after: tail.place };
    const onOpen = () => {
      backoff.reset();
      if (away) messages.info(`The feed of ${gateway.name} is back.`);
      away = false;
      opened();
      tail.opened();
    };
    try {
      for await (const event of readServerSentEvents(gateway.stream(PATH, from, signal, onOpen))) tail.take(event);
    } catch (thrown) {
      if (signal.aborted) return;
      // What stands before a gateway that starts anew says 502 or 503; a refusal is for good.
      const isAway = thrown instanceof TrigateError && thrown.status >= 500;
      if (!isAway || !tail.wasOpen) throw thrown;
    }
    if (signal.aborted) return;
    if (!away) messages.warning(`The feed of ${gateway.name} has ended: trying to come back to it.`);
    away = true;
    await delay(terminal.clock, backoff.next(), signal);
  }
}

/** What is known of a tail: where it stands, and by that what it has missed. */
class Tail {
  place: string | undefined;
  wasOpen = false;
  readonly #name: string;
  readonly #print: (row: EventRow) => void;
  readonly #warn: (text: string) => void;
  #isFirst = true;

  constructor(name: string, print: (row: EventRow) => void, warn: (text: string) => void) {
    this.#name = name;
    this.#print = print;
    this.#warn = warn;
  }

  opened(): void {
    this.wasOpen = true;
    this.#isFirst = true;
  }

  take({ id, name, data }: ServerSentEvent): void {
    if (name === 'skipped') {
      const { data: count } = skipped.safeParse(parseJson(data));
      this.#warn(`${count?.rows ?? 'Some'} rows were lost here: they came faster than they could be sent.`);
      return;
    }
    const { data: row } = eventRow.safeParse(parseJson(data));
    if (row !== undefined && this.#isFirst && isOfAnother(this.place, id)) {
      const what = 'what came between the row above and its end may be missing here.';
      this.#warn(`A new process has the feed of ${this.#name}: ${what}`);
    }
    this.place = id ?? this.place;
    if (row === undefined) return;
    this.#isFirst = false;
    this.#print(row);
  }
}

/** Cursors begin with a mark of the process that gave them. */
const isOfAnother = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && one.split('-')[0] !== other.split('-')[0];
