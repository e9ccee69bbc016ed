import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSchedule, ScheduleError } from './schedule.ts';

/*
 * The same ticks found in another way: minute by minute through real time, asking Intl what every clock on the wall
 * shows. It knows nothing of changes of the offset but what it sees there: a wall clock that jumps, or that shows a time again.
 */

const MINUTE = 60_000;

interface Wall {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly weekday: number;
  /** Minutes, as if this were UTC. */
  readonly count: number;
}

function wallOf(format: Intl.DateTimeFormat, at: number): Wall {
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = part;
  return fromCount(Date.UTC(year, month - 1, day, hour, minute) / MINUTE);
}

function fromCount(count: number): Wall {
  const date = new Date(count * MINUTE);
  return {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
    count,
  };
}

interface Field {
  readonly text: string;
  readonly matches: (value: number) => boolean;
}
interface Expression {
  readonly minute: Field;
  readonly hour: Field;
  readonly day: Field;
  readonly month: Field;
  readonly weekday: Field;
}

function matches({ minute, hour, day, month, weekday }: Expression, wall: Wall): boolean {
  const ofMonth = day.matches(wall.day);
  const ofWeek = weekday.matches(wall.weekday);
  const isDay = day.text === '*' || weekday.text === '*' ? ofMonth && ofWeek : ofMonth || ofWeek;
  return isDay && month.matches(wall.month) && hour.matches(wall.hour) && minute.matches(wall.minute);
}

function* walked(expression: Expression, zone: string, from: number, to: number): Generator<number> {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const isFixed = !expression.hour.text.includes('*');
  // A day more in front, to have seen what the wall clock has shown.
  const start = from - 24 * 60 * MINUTE;
  let highest = wallOf(format, start).count;
  for (let at = start + MINUTE; at <= to; at += MINUTE) {
    const wall = wallOf(format, at);
    const isSecondTime = wall.count <= highest;
    const skipped = Array.from({ length: Math.max(0, wall.count - highest - 1) }, (_, i) => fromCount(highest + 1 + i));
    highest = Math.max(highest, wall.count);
    if (at <= from) continue;
    const isCaughtUp = isFixed && skipped.some((each) => matches(expression, each));
    if (isCaughtUp || (matches(expression, wall) && !(isFixed && isSecondTime))) yield at;
  }
}

const star: Field = { text: '*', matches: () => true };

function field(min: number, max: number): fc.Arbitrary<Field> {
  const value = fc.integer({ min, max });
  const one = value.map((n): Field => ({ text: `${n}`, matches: (x) => x === n }));
  const range = fc.tuple(value, value, fc.integer({ min: 1, max: 7 })).map(([a, b, step]): Field => {
    const [low, high] = a < b ? [a, b] : [b, a];
    return { text: `${low}-${high}/${step}`, matches: (x) => x >= low && x <= high && (x - low) % step === 0 };
  });
  const every = fc
    .integer({ min: 2, max: 12 })
    .map((step): Field => ({ text: `*/${step}`, matches: (x) => (x - min) % step === 0 }));
  const list = fc.array(fc.oneof(one, range), { minLength: 1, maxLength: 3 }).map(
    (fields): Field => ({
      text: fields.map(({ text }) => text).join(','),
      matches: (x) => fields.some((each) => each.matches(x)),
    }),
  );
  return fc.oneof({ weight: 3, arbitrary: fc.constant(star) }, { weight: 3, arbitrary: list }, every);
}

const expressions: fc.Arbitrary<Expression> = fc.record({
  minute: field(0, 59),
  hour: field(0, 23),
  day: fc.oneof(fc.constant(star), field(1, 31)),
  month: fc.oneof(fc.constant(star), field(1, 12)),
  weekday: fc.oneof(fc.constant(star), field(0, 6)),
});

const zones = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Europe/Dublin',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Atlantic/Azores',
  'Asia/Kathmandu',
];
/** Days around which the offsets of these zones change, and one on which none does. */
const days = ['03-08', '03-29', '03-15', '04-05', '09-06', '10-04', '10-25', '11-01', '02-28', '12-31', '07-14'];

/** The 30th of February alone. */
function neverFires(text: string): boolean {
  try {
    parseSchedule(text);
    return false;
  } catch (error) {
    if (error instanceof ScheduleError && error.message.includes('never fires')) return true;
    throw error;
  }
}

test('has the ticks that a walk through ten years, minute by minute, finds on the wall clock', () => {
  const starts = fc
    .tuple(fc.integer({ min: 2021, max: 2030 }), fc.constantFrom(...days), fc.integer({ min: -2880, max: 1440 }))
    .map(([year, day, minutes]) => Date.parse(`${year}-${day}T00:00Z`) + minutes * MINUTE);
  fc.assert(
    fc.property(expressions, fc.constantFrom(...zones), starts, (expression, zone, from) => {
      const { minute, hour, day, month, weekday } = expression;
      const text = [minute, hour, day, month, weekday].map((each) => each.text).join(' ');
      const to = from + 2 * 24 * 60 * MINUTE;
      const expected = [...walked(expression, zone, from, to)].map((at) => new Date(at).toISOString());
      if (neverFires(text)) return expect(expected).toEqual([]);
      const { next } = parseSchedule(text, zone);
      const found: string[] = [];
      for (let at = next(from); at !== undefined && at <= to; at = next(at)) found.push(new Date(at).toISOString());
      expect(found, `${text} in ${zone}`).toEqual(expected);
    }),
    { numRuns: 150 },
  );
}, 60_000);
