import { Cron } from 'croner';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSchedule } from './schedule.ts';

/*
 * An independent implementation has the same ticks. Where its dialect is another, no such expression is made:
 *
 *   5/15, ranges without a star with a step   croner takes a step for a sign of an interval, we look at the hour alone
 *   a star in the minute of a fixed hour      the same
 *   dates that never come                     croner says so at the first tick, we when it is read
 */

const zones = [
  'UTC',
  'America/New_York',
  'America/Los_Angeles',
  'America/Santiago',
  'America/St_Johns',
  'Europe/London',
  'Europe/Berlin',
  'Europe/Dublin',
  'Europe/Athens',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Atlantic/Azores',
  'Australia/Lord_Howe',
  'Australia/Sydney',
  'Pacific/Auckland',
];

const FIRST = Date.UTC(2021, 0, 1);
const LAST = Date.UTC(2031, 0, 1);
/** Days around which offsets of these zones change. */
const changes = [
  '03-08',
  '03-14',
  '03-26',
  '03-29',
  '04-02',
  '04-26',
  '09-06',
  '09-27',
  '10-03',
  '10-25',
  '10-29',
  '11-01',
];

type Text = fc.Arbitrary<string>;

const value = (min: number, max: number) => fc.integer({ min, max });
const range = (min: number, max: number) =>
  fc.tuple(value(min, max), value(min, max)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
const plain = (min: number, max: number): Text =>
  fc
    .array(fc.oneof({ weight: 3, arbitrary: value(min, max).map(String) }, range(min, max)), {
      minLength: 1,
      maxLength: 3,
    })
    .map((items) => items.join(','));
const stepped = (min: number, max: number, most: number): Text =>
  fc.tuple(fc.oneof(fc.constant('*'), range(min, max)), value(2, most)).map(([of, step]) => `${of}/${step}`);
const star = fc.constant('*');

const anyOf = (min: number, max: number): Text => fc.oneof(star, plain(min, max), stepped(min, max, 12));

/** Times of day, or intervals: see above. */
const times: fc.Arbitrary<readonly [string, string, string]> = fc.oneof(
  fc.tuple(fc.oneof(fc.constant('0'), plain(0, 59)), plain(0, 59), plain(0, 23)),
  fc.tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant('0') }, anyOf(0, 59)),
    anyOf(0, 59),
    fc.oneof(
      star,
      value(2, 8).map((step) => `*/${step}`),
    ),
  ),
);

/** The 31st of a month that has none would be no schedule: days up to the 28th are in each. */
const days = fc.oneof(
  { weight: 2, arbitrary: star },
  plain(1, 28),
  stepped(1, 31, 9).filter((text) => text.startsWith('*')),
);
const anyDay = fc.tuple(fc.oneof(days, plain(1, 31)), star);
const dayAndMonth = fc.oneof(anyDay, fc.tuple(days, fc.oneof(star, plain(1, 12), stepped(1, 12, 5))));
const weekdays = fc.oneof({ weight: 2, arbitrary: star }, plain(0, 6), fc.constantFrom('mon-fri', 'SUN', '7', '1,3,5'));

const expressions = fc
  .tuple(times, dayAndMonth, weekdays)
  .map(([[second, minute, hour], [day, month], weekday]) => `${second} ${minute} ${hour} ${day} ${month} ${weekday}`);

const starts = fc.oneof(
  value(FIRST / 1_000, LAST / 1_000).map((seconds) => seconds * 1_000),
  fc
    .tuple(value(2021, 2030), fc.constantFrom(...changes), value(-48 * 60, 24 * 60))
    .map(([year, day, minutes]) => Date.parse(`${year}-${day}T00:00Z`) + minutes * 60_000),
);

const TICKS = 25;

test('has the ticks that croner has, through ten years of any expression in any zone', () => {
  fc.assert(
    fc.property(expressions, fc.constantFrom(...zones), starts, (text, timezone, from) => {
      const other = new Cron(text, { timezone, paused: true, fixedTimeRule: 'no-wildcard' });
      const expected = other.nextRuns(TICKS, new Date(from)).map((date) => date.toISOString());
      const { next } = parseSchedule(text, timezone);
      const found: string[] = [];
      for (let at = next(from); at !== undefined && found.length < TICKS; at = next(at))
        found.push(new Date(at).toISOString());
      expect(found, `${text} in ${timezone} after ${new Date(from).toISOString()}`).toEqual(expected);
    }),
    { numRuns: 400 },
  );
}, 120_000);
