import { parseDuration } from '../../domain/duration.ts';
import { TrigateError } from '../../domain/errors.ts';
import { feedOutcomes } from '../../telemetry/feed.ts';
import { type EventFormat, type EventRow, formatEvent, formatHeads } from '../event-lines.ts';
import { readEvents } from '../observed.ts';
import { checkObserved, type ObservedFlags } from '../observed-flags.ts';
import { readOutput } from '../output.ts';
import type { Session } from '../shell.ts';
import { followAll } from './events-follow-all.ts';

export interface EventFlags extends ObservedFlags {
  readonly follow: boolean;
  readonly outcome?: string | undefined;
  readonly since?: string | undefined;
  readonly limit?: string | undefined;
  readonly output?: string | undefined;
  /** False: `--no-headers`. */
  readonly headers?: boolean | undefined;
}

const MOST_ROWS = 1_000;

/** Prints what became of events: those that the gateway still holds, and with `follow` those that come. */
export async function showEvents(session: Session, flags: EventFlags): Promise<void> {
  const { terminal, messages } = session;
  const format = checkFormat(flags.output);
  const query = readQuery(flags, terminal.clock.now());
  const print = (row: EventRow) => terminal.stdout.write(formatEvent(row, format));
  const heads = flags.headers === false ? '' : formatHeads(format);

  if (flags.follow) {
    // Before the first line, so that who has seen it may stop us.
    const { signal } = terminal;
    const begin = () => terminal.stdout.write(heads);
    await followAll(session, query, { begin, print }, signal);
    return;
  }
  const { events, skipped } = await readEvents(session, query);
  if (skipped > 0) messages.warning(`${skipped} older rows are no longer held.`);
  if (events.length === 0) messages.info('No events found.');
  else terminal.stdout.write(heads);
  for (const row of events) print(row);
  const copies = events.reduce((sum, { functions }) => sum + Math.max(1, functions.length), 0);
  if (flags.since !== undefined && copies >= Number(query.limit)) {
    messages.warning(`Only the first ${query.limit} are shown: there may be more, after the last of these.`);
  }
}

type Query = Readonly<Record<string, string | undefined>>;

function readQuery(flags: EventFlags, now: number): Query {
  const { kind, namespace, trigger, function: functionName, outcome, since, limit } = flags;
  checkObserved(flags);
  if (outcome !== undefined && !feedOutcomes.some((each) => each === outcome)) {
    throw invalid('--outcome', `one of ${feedOutcomes.join(', ')}`, outcome);
  }
  if (limit !== undefined && (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MOST_ROWS)) {
    throw invalid('--limit', `a whole number from 1 to ${MOST_ROWS}`, limit);
  }
  const moment = since === undefined ? undefined : readSince(since, now);
  // Those since a time begin with the oldest: a short page would end before now.
  const most = since === undefined || flags.follow ? limit : (limit ?? String(MOST_ROWS));
  return { kind, namespace, trigger, function: functionName, outcome, since: moment, limit: most };
}

/** A duration back from now, or a moment, as a moment. */
function readSince(text: string, now: number): string {
  const ms = parseDuration(text);
  const moment = ms === undefined ? Date.parse(text) : now - ms;
  if (Number.isNaN(new Date(moment).getTime())) {
    throw invalid('--since', 'a duration such as 10m, or a time such as 2026-01-31T08:00:00Z', text);
  }
  return new Date(moment).toISOString();
}

function checkFormat(output: string | undefined): EventFormat {
  const { type } = readOutput(output, ['wide', 'json']);
  return type === 'wide' || type === 'json' ? type : 'table';
}

const invalid = (flag: string, allowed: string, found: string) =>
  new TrigateError('INVALID_ARGUMENT', `${flag} must be ${allowed}, found ${JSON.stringify(found)}.`);
