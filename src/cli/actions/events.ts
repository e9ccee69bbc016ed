import { z } from 'zod';
import { parseDuration } from '../../domain/duration.ts';
import { TrigateError } from '../../domain/errors.ts';
import { feedOutcomes } from '../../telemetry/feed.ts';
import { type EventFormat, type EventRow, eventRow, formatEvent, formatHeads } from '../event-lines.ts';
import { readOutput } from '../output.ts';
import type { GatewaySession } from '../shell.ts';
import { followEvents } from './events-follow.ts';

export interface EventFlags {
  readonly follow: boolean;
  readonly kind?: string | undefined;
  /** Undefined: of every namespace. */
  readonly namespace?: string | undefined;
  readonly trigger?: string | undefined;
  readonly function?: string | undefined;
  readonly outcome?: string | undefined;
  readonly since?: string | undefined;
  readonly limit?: string | undefined;
  readonly output?: string | undefined;
  /** False: `--no-headers`. */
  readonly headers?: boolean | undefined;
}

const PATH = '/v1/events';
const MOST_ROWS = 1_000;
const page = z.looseObject({ events: z.array(eventRow), skipped: z.number().optional() });

/** Prints what became of events: those that the gateway still holds, and with `follow` those that come. */
export async function showEvents(session: GatewaySession, flags: EventFlags): Promise<void> {
  const { gateway, terminal, messages } = session;
  const format = checkFormat(flags.output);
  const query = readQuery(flags, terminal.clock.now());
  const print = (row: EventRow) => terminal.stdout.write(formatEvent(row, format));
  const heads = flags.headers === false ? '' : formatHeads(format);

  if (flags.follow) {
    // Before the first line, so that who has seen it may stop us.
    const { signal } = terminal;
    terminal.stdout.write(heads);
    await followEvents(session, query, print, signal);
    return;
  }
  const { events, skipped = 0 } = await gateway.get(PATH, page, query);
  if (skipped > 0) messages.warning(`${skipped} older rows are no longer held.`);
  if (events.length === 0) messages.info('No events found.');
  else terminal.stdout.write(heads);
  for (const row of events) print(row);
}

type Query = Readonly<Record<string, string | undefined>>;

function readQuery(flags: EventFlags, now: number): Query {
  const { kind, namespace, trigger, function: functionName, outcome, since, limit } = flags;
  if (outcome !== undefined && !feedOutcomes.some((each) => each === outcome)) {
    throw invalid('--outcome', `one of ${feedOutcomes.join(', ')}`, outcome);
  }
  if (limit !== undefined && (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MOST_ROWS)) {
    throw invalid('--limit', `a whole number from 1 to ${MOST_ROWS}`, limit);
  }
  const moment = since === undefined ? undefined : readSince(since, now);
  return { kind, namespace, trigger, function: functionName, outcome, since: moment, limit };
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
