/** A time zone: how far its clocks are ahead of UTC, and when that changes. */
export interface Zone {
  readonly name: string;
  /** Milliseconds to add to UTC at that instant. */
  offset(instant: number): number;
  /** The first instant in (`from`, `to`] at which the offset is another than before. */
  change(from: number, to: number): number | undefined;
}

const SECOND = 1_000;
const WEEK = 7 * 24 * 3_600 * SECOND;

/** Undefined when no such zone is known. Only names: an offset such as `+02:00` has no daylight saving time. */
export function openZone(name: string): Zone | undefined {
  if (/^(UTC|Etc\/UTC|GMT)$/i.test(name)) return { name: 'UTC', offset: () => 0, change: () => undefined };
  if (!/^[A-Za-z]/.test(name)) return undefined;
  const offset = offsetOf(name);
  return offset && { name, offset, change: (from, to) => firstChange(offset, from, to) };
}

function offsetOf(timeZone: string): Zone['offset'] | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { ...PARTS, timeZone });
  } catch {
    return undefined;
  }
  return (instant) => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / SECOND) * SECOND;
  };
}

const PARTS: Intl.DateTimeFormatOptions = {
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
};

/** No zone has changed twice within a week since 1970. */
function firstChange(offset: Zone['offset'], from: number, to: number): number | undefined {
  for (let low = from; low < to; low = Math.min(low + WEEK, to)) {
    const high = Math.min(low + WEEK, to);
    if (offset(high) !== offset(low)) return bisect(offset, low, high);
  }
  return undefined;
}

/** Zones change on whole seconds. */
function bisect(offset: Zone['offset'], from: number, to: number): number {
  const before = offset(from);
  let low = Math.floor(from / SECOND);
  let high = Math.ceil(to / SECOND);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle * SECOND) === before) low = middle;
    else high = middle;
  }
  return high * SECOND;
}
