import { describe, expect, test } from 'vitest';
import { parseSchedule } from './schedule.ts';

/** The next ticks after a time, as UTC text without seconds where these are 0. */
function ticks(schedule: string, after: string, count: number, timeZone?: string): string[] {
  const { next } = parseSchedule(schedule, timeZone);
  const found: string[] = [];
  let at: number | undefined = Date.parse(after);
  while (found.length < count && at !== undefined) {
    at = next(at);
    if (at !== undefined) found.push(new Date(at).toISOString().replace(/(:00)?\.000Z$/, 'Z'));
  }
  return found;
}

describe('a schedule', () => {
  test.each([
    ['*/15 * * * *', '2026-01-01T00:07Z', ['2026-01-01T00:15Z', '2026-01-01T00:30Z', '2026-01-01T00:45Z']],
    ['0 9-17/4 * * mon-fri', '2026-01-02T12:00Z', ['2026-01-02T13:00Z', '2026-01-02T17:00Z', '2026-01-05T09:00Z']],
    ['*/20 * * * * *', '2026-01-01T00:00:05Z', ['2026-01-01T00:00:20Z', '2026-01-01T00:00:40Z', '2026-01-01T00:01Z']],
    ['50/5 * * * *', '2026-01-01T00:00Z', ['2026-01-01T00:50Z', '2026-01-01T00:55Z', '2026-01-01T01:50Z']],
    ['0 0 ? jan,JUN *', '2026-01-31T00:00Z', ['2026-06-01T00:00Z']],
    ['0 0 * * 7', '2026-01-01T00:00Z', ['2026-01-04T00:00Z', '2026-01-11T00:00Z']],
    ['0 0 29 2 *', '2096-03-01T00:00Z', ['2104-02-29T00:00Z']],
    ['@hourly', '2026-01-01T00:00Z', ['2026-01-01T01:00Z', '2026-01-01T02:00Z']],
    ['@monthly', '2026-01-01T00:00Z', ['2026-02-01T00:00Z']],
    ['@every 90s', '2026-01-01T00:00Z', ['2026-01-01T00:01:30Z', '2026-01-01T00:03Z', '2026-01-01T00:04:30Z']],
    ['CRON_TZ=Asia/Tokyo 0 6 * * *', '2026-01-01T00:00Z', ['2026-01-01T21:00Z']],
  ])('%s has the ticks of Kubernetes', (schedule, after, expected) => {
    expect(ticks(schedule, after, expected.length)).toEqual(expected);
  });

  test.each([
    ['both days given: either', '0 0 13 * fri', ['2026-02-06', '2026-02-13', '2026-02-20', '2026-02-27']],
    ['only the day of the month', '0 0 13 * *', ['2026-02-13', '2026-03-13']],
    ['only the day of the week', '0 0 * * fri', ['2026-02-06', '2026-02-13']],
    ['a step of 1 is no choice', '0 0 */1 * fri', ['2026-02-06', '2026-02-13']],
    ['a step of 2 is one', '0 0 */10 * fri', ['2026-02-01', '2026-02-06', '2026-02-11', '2026-02-13']],
    ['no such day of the month, but of the week', '0 0 30 2 mon', ['2026-02-02', '2026-02-09']],
  ])('joins day of month and day of week with OR: %s', (_, schedule, expected) => {
    expect(ticks(schedule, '2026-01-31T00:00Z', expected.length)).toEqual(expected.map((day) => `${day}T00:00Z`));
  });
});

describe('when clocks are put forward', () => {
  // 2026-03-08 02:00 EST is 03:00 EDT; 2026-03-29 02:00 CET is 03:00 CEST.
  test.each([
    [
      'a time of day that is skipped comes right after the gap',
      '30 2 * * *',
      'America/New_York',
      '2026-03-07T12:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:30Z'],
    ],
    [
      'the same in the EU',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ],
    [
      'several skipped times of day are one tick',
      '*/10 2 * * *',
      'America/New_York',
      '2026-03-08T00:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:00Z'],
    ],
    [
      'one that coincides with a time of day is not another',
      '0 2,3 * * *',
      'Europe/Berlin',
      '2026-03-29T00:00Z',
      ['2026-03-29T01:00Z', '2026-03-30T00:00Z'],
    ],
    [
      'an interval has no ticks in the gap',
      '30 * * * *',
      'America/New_York',
      '2026-03-08T06:00Z',
      ['2026-03-08T06:30Z', '2026-03-08T07:30Z'],
    ],
  ])('%s', (_, schedule, zone, after, expected) => {
    expect(ticks(schedule, after, expected.length, zone)).toEqual(expected);
  });
});

describe('when clocks are put back', () => {
  // 2026-11-01 02:00 EDT is 01:00 EST; 2026-10-25 03:00 CEST is 02:00 CET.
  test.each([
    [
      'a time of day that comes twice counts once',
      '30 1 * * *',
      'America/New_York',
      '2026-11-01T00:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
    ],
    [
      'the same in the EU',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-25T00:00Z',
      ['2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ],
    [
      'also when asked in the middle of the second time',
      '45 1 * * *',
      'America/New_York',
      '2026-11-01T06:10Z',
      ['2026-11-02T06:45Z'],
    ],
    [
      'an interval goes on',
      '30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:30Z', '2026-10-25T02:30Z'],
    ],
  ])('%s', (_, schedule, zone, after, expected) => {
    expect(ticks(schedule, after, expected.length, zone)).toEqual(expected);
  });
});

describe('a schedule that cannot be', () => {
  test.each([
    ['* * * *', 'must have five fields, or six with seconds first, found 4'],
    ['', 'must have five fields, or six with seconds first, found 0'],
    ['60 * * * *', 'field 1 (minute): must be 0 to 59, found "60"'],
    ['0 60 * * * *', 'field 2 (minute): must be 0 to 59, found "60"'],
    ['* * * foo *', 'field 4 (month): must be 1 to 12 or jan to dec, found "foo"'],
    ['5-1 * * * *', 'field 1 (minute): the range 5-1 runs backwards'],
    ['*/0 * * * *', 'field 1 (minute): the step must be at least 1, found "*/0"'],
    ['1.5 * * * *', 'field 1 (minute): expected "*", a value, a range such as 1-5 or a step such as */5, found "1.5"'],
    ['0 0 * * 5#2', 'field 5 (day of week): "5#2" is not known; L, W and # are not part of Kubernetes\' cron'],
    ['0 0 30 2 *', '"0 0 30 2 *" never fires: no month has such a day'],
    ['@sometimes', '"@sometimes" is not known; there are @yearly, '],
    ['@every 500ms', '@every needs a duration of whole seconds such as 90s or 1h30m, at most 8784h, found "500ms"'],
    ['TZ=Mars/Olympus * * * * *', 'the time zone "Mars/Olympus" is not known; it must be a name such as UTC'],
    ['TZ=+02:00 * * * * *', 'the time zone "+02:00" is not known'],
  ])('%s is refused in a sentence with the position', (schedule, sentence) => {
    expect(() => parseSchedule(schedule)).toThrow(sentence);
  });

  test('names its zone once', () => {
    expect(() => parseSchedule('TZ=UTC * * * * *', 'Europe/Berlin')).toThrow('say it once');
    expect(parseSchedule('TZ=Europe/Berlin * * * * *', 'Europe/Berlin').timeZone).toBe('Europe/Berlin');
  });
});
