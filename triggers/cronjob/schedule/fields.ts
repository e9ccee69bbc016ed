import { parse } from 'node-cron';

/** What a cron expression matches, each list sorted. Days of the week count from Sunday, 0. */
export interface CronFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
  /** Neither day field is `*`: a day matches when one of them does, as with Kubernetes and crontab. */
  readonly eitherDay: boolean;
  /** The hour is fixed: no `*` in it. Decides what a change to daylight saving time does. */
  readonly isHourFixed: boolean;
}

/** The sentence says which field, what was found, and what is allowed. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The name of `min`, of `min + 1`, and so on. */
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const FIELDS: readonly Field[] = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 7, names: DAYS },
];

/**
 * Reads five fields (minute first), or six (second first).
 *
 * The dialect is that of Kubernetes (robfig/cron): `?` is `*`, `5/15` runs to the end of the field, a range does not wrap
 * around, and there is no `L`, `W` or `#`. It is brought into the form that node-cron reads, which expands it.
 * @throws ScheduleError
 */
export function parseFields(expression: string): CronFields {
  const texts = expression.trim().split(/\s+/);
  if (texts.length !== 5 && texts.length !== 6) {
    const found = expression.trim() === '' ? 0 : texts.length;
    throw new ScheduleError(`must have five fields, or six with seconds first, found ${found}`);
  }
  const withSeconds = texts.length === 6 ? texts : ['0', ...texts];
  const skipped = withSeconds.length - texts.length;
  const plain = FIELDS.map((field, i) => plainField(withSeconds[i] ?? '', field, i + 1 - skipped));
  const [second, minute, hour, day, month, weekday] = plain;
  // The month by itself: node-cron refuses a 30th of February also where the day of the week would match.
  const expanded = parse(`${second} ${minute} ${hour} ${day} * ${weekday}`);
  const months = parse(`0 0 0 1 ${month} *`).month;
  return {
    seconds: sorted(expanded.second),
    minutes: sorted(expanded.minute),
    hours: sorted(expanded.hour),
    daysOfMonth: sorted(expanded.dayOfMonth),
    months: sorted(months),
    daysOfWeek: sorted(expanded.dayOfWeek),
    eitherDay: !isAny(withSeconds[3]) && !isAny(withSeconds[5]),
    isHourFixed: !/[*?]/.test(withSeconds[2] ?? ''),
  };
}

/** `*` and `*\/1` count as any; `*\/2` does not: so robfig/cron has it. */
const isAny = (text = ''): boolean => text.split(',').some((item) => /^[*?](\/0*1)?$/.test(item));

function plainField(text: string, field: Field, position: number): string {
  return text
    .split(',')
    .map((item) => plainItem(item, field, `field ${position} (${field.name})`))
    .join(',');
}

function plainItem(item: string, field: Field, where: string): string {
  const match = /^([*?]|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/i.exec(item);
  const [, first = '', last, step] = match ?? [];
  const isWhole = first === '*' || first === '?';
  if (match === null || (isWhole && last !== undefined)) throw new ScheduleError(unknownItem(item, where));
  if (step !== undefined && Number(step) < 1)
    throw new ScheduleError(`${where}: the step must be at least 1, found "${item}"`);
  const suffix = step === undefined ? '' : `/${Number(step)}`;
  if (isWhole) return `*${suffix}`;
  const from = numberOf(first, field, where);
  if (last === undefined) return step === undefined ? `${from}` : `${from}-${lastOf(field)}${suffix}`;
  const to = numberOf(last, field, where);
  if (from > to) throw new ScheduleError(`${where}: the range ${item} runs backwards`);
  return `${from}-${to}${suffix}`;
}

const unknownItem = (item: string, where: string): string =>
  /[LW#]/i.test(item)
    ? `${where}: "${item}" is not known; L, W and # are not part of Kubernetes' cron`
    : `${where}: expected "*", a value, a range such as 1-5 or a step such as */5, found "${item}"`;

/** 7 is Sunday as well, but only where it is written. */
const lastOf = ({ names, min, max }: Field): number => (names === undefined ? max : min + names.length - 1);

function numberOf(text: string, { names, min, max }: Field, where: string): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return min + named;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const words = names === undefined ? '' : ` or ${names[0]} to ${names.at(-1)}`;
  throw new ScheduleError(`${where}: must be ${min} to ${max}${words}, found "${text}"`);
}

const sorted = (values: readonly (number | string)[]): number[] =>
  [...new Set(values.map(Number))].sort((a, b) => a - b);
