import type { CronFields } from './fields.ts';

const SECOND = 1_000;
const DAY = 24 * 3_600 * SECOND;
/** Longer than the eight years between the leap days of 2096 and 2104. */
const HORIZON_DAYS = 9 * 366;

/**
 * The first time on a wall clock after another that the fields match; both as if the wall clock showed UTC. Undefined when
 * there is none: the 30th of February.
 */
export function nextOnWall(fields: CronFields, after: number): number | undefined {
  const start = (Math.floor(after / SECOND) + 1) * SECOND;
  const firstDay = Math.floor(start / DAY) * DAY;
  for (let day = firstDay, days = 0; days < HORIZON_DAYS; day += DAY, days++) {
    if (!matchesDay(fields, new Date(day))) continue;
    const found = nextOnDay(fields, day === firstDay ? start - day : 0);
    if (found !== undefined) return day + found;
  }
  return undefined;
}

function matchesDay({ months, daysOfMonth, daysOfWeek, eitherDay }: CronFields, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false;
  const ofMonth = daysOfMonth.includes(date.getUTCDate());
  const ofWeek = daysOfWeek.includes(date.getUTCDay());
  return eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

/** The first match on a day at or after `from`, both as milliseconds since midnight. */
function nextOnDay({ hours, minutes, seconds }: CronFields, from: number): number | undefined {
  for (const hour of hours) {
    const atHour = hour * 3_600 * SECOND;
    if (atHour + 3_600 * SECOND <= from) continue;
    for (const minute of minutes) {
      const atMinute = atHour + minute * 60 * SECOND;
      if (atMinute + 60 * SECOND <= from) continue;
      const second = seconds.find((each) => atMinute + each * SECOND >= from);
      if (second !== undefined) return atMinute + second * SECOND;
    }
  }
  return undefined;
}
