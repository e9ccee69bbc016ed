import { nextOnWall } from './calendar.ts';
import { type CronFields, parseFields, ScheduleError } from './fields.ts';
import { openZone, type Zone } from './zone.ts';

export { ScheduleError };

/** When a trigger fires. The same text gives the same ticks in every process. */
export interface Schedule {
  /** Schedule and zone in one text: two schedules with the same text have the same ticks. */
  readonly text: string;
  readonly timeZone: string;
  /** The first tick after an instant, milliseconds since the epoch; undefined when there is none. */
  next(after: number): number | undefined;
}

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/**
 * Reads `*\/5 * * * *`, `CRON_TZ=Europe/Berlin 0 6 * * *`, `@hourly`, `@every 90s`.
 * @param timeZone IANA name; undefined: the one in the schedule, else UTC
 * @throws ScheduleError
 */
export function parseSchedule(text: string, timeZone?: string): Schedule {
  const { zoneName, expression } = splitZone(text);
  if (zoneName !== undefined && timeZone !== undefined && zoneName !== timeZone) {
    throw new ScheduleError(`names the time zone ${zoneName}, and timeZone is ${timeZone}: say it once`);
  }
  const zone = zoneOf(timeZone ?? zoneName ?? 'UTC');
  const canonical = `${expression} ${zone.name}`;
  if (expression.startsWith('@every')) {
    const interval = everyOf(expression);
    return { text: canonical, timeZone: zone.name, next: (after) => (Math.floor(after / interval) + 1) * interval };
  }
  const fields = parseFields(expand(expression));
  if (nextOnWall(fields, Date.UTC(2000, 0, 1)) === undefined) {
    throw new ScheduleError(`"${expression}" never fires: no month has such a day`);
  }
  return { text: canonical, timeZone: zone.name, next: (after) => nextTick(fields, zone, after) };
}

/** @throws ScheduleError */
export function zoneOf(name: string): Zone {
  const zone = openZone(name);
  if (zone !== undefined) return zone;
  throw new ScheduleError(`the time zone "${name}" is not known; it must be a name such as UTC or Europe/Berlin`);
}

function splitZone(text: string): { zoneName: string | undefined; expression: string } {
  const match = /^\s*(?:CRON_TZ|TZ)=(\S*)\s*(.*)$/s.exec(text);
  const expression = (match?.[2] ?? text).trim().replace(/\s+/g, ' ');
  return { zoneName: match?.[1], expression };
}

function expand(expression: string): string {
  if (!expression.startsWith('@')) return expression;
  const fields = DESCRIPTORS[expression.toLowerCase()];
  if (fields !== undefined) return fields;
  const known = Object.keys(DESCRIPTORS).join(', ');
  throw new ScheduleError(`"${expression}" is not known; there are ${known} and @every DURATION`);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const LONGEST_INTERVAL_MS = 366 * 24 * 3_600_000;

/** Milliseconds of `@every 1h30m`: whole seconds, as with robfig/cron. */
function everyOf(expression: string): number {
  const text = expression.slice('@every'.length).trim();
  let ms = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    ms += Number(amount) * (UNITS[unit] ?? 0);
  const isDuration = /^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text);
  if (isDuration && ms >= 1_000 && ms % 1_000 === 0 && ms <= LONGEST_INTERVAL_MS) return ms;
  throw new ScheduleError(
    `@every needs a duration of whole seconds such as 90s or 1h30m, at most 8784h, found "${text}"`,
  );
}

/**
 * Walks through real time, from one change of the zone's offset to the next; between two of them the wall clock runs evenly.
 *
 * The rule at a change, as with Vixie cron and croner: a schedule with a fixed hour means times of day. One that the clocks
 * skip fires at the first instant after the gap (several of them: once), one that they show twice fires the first
 * time only. A schedule with `*` in the hour means intervals: it goes on through the repeated hour, and has no ticks for a
 * skipped one.
 */
function nextTick(fields: CronFields, zone: Zone, after: number): number | undefined {
  let from = after;
  let wall = after + zone.offset(after);
  if (fields.isHourFixed) wall = Math.max(wall, shownAlready(zone, after));
  for (;;) {
    const offset = zone.offset(from);
    const found = nextOnWall(fields, wall);
    if (found === undefined) return undefined;
    const tick = found - offset;
    const change = zone.change(from, tick);
    if (change === undefined) return tick;
    const before = change + offset;
    const behind = change + zone.offset(change);
    if (fields.isHourFixed && found < behind) return change;
    wall = (fields.isHourFixed ? Math.max(before, behind) : behind) - 1;
    from = change;
  }
}

const DAY = 24 * 3_600_000;

/** Up to where the wall clock had come before it was last put back, within a day. */
function shownAlready(zone: Zone, instant: number): number {
  const change = zone.change(instant - DAY, instant);
  return change === undefined ? Number.NEGATIVE_INFINITY : change - 1 + zone.offset(change - 1);
}
