import { z } from 'zod';
import { parseSchedule, type Schedule, ScheduleError } from '../../../triggers/cronjob/schedule/schedule.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { TrigateError } from '../../domain/errors.ts';
import type { Session, Shell } from '../shell.ts';
import { formatTable } from '../table.ts';

export interface NextFlags {
  readonly timeZone?: string | undefined;
  readonly count: string;
}

const MOST = 1_000;

/** The next times of a schedule, on its own wall clock, in UTC, and from now. */
export function showNext(
  { terminal }: Pick<Shell, 'terminal'>,
  flags: NextFlags & { readonly schedule: string },
): void {
  const count = checkCount(flags.count);
  const schedule = readSchedule(flags.schedule, flags.timeZone);
  const now = terminal.clock.now();
  const rows: string[][] = [];
  for (let at = schedule.next(now); at !== undefined && rows.length < count; at = schedule.next(at)) {
    rows.push([onWall(at, schedule.timeZone), new Date(at).toISOString().replace('.000', ''), `in ${span(at - now)}`]);
  }
  terminal.stdout.write(formatTable([schedule.timeZone, 'UTC', 'FROM NOW'], rows));
}

const triggerSpec = z.looseObject({ schedule: z.string(), timeZone: z.string().optional() });

export async function nextOfTrigger(session: Session, name: string, flags: NextFlags): Promise<void> {
  const { namespace, resources } = session;
  const { spec } = await resources.get(cronJobTriggerType, namespace, name);
  const { data } = triggerSpec.safeParse(spec);
  if (data === undefined) throw new TrigateError('INVALID_MANIFEST', `Cronjob trigger ${name} has no schedule.`);
  showNext(session, { ...data, count: flags.count });
}

function checkCount(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST) return count;
  const message = `--count must be a whole number from 1 to ${MOST}, found "${text}"; a namespace is given with --namespace.`;
  throw new TrigateError('INVALID_ARGUMENT', message);
}

function readSchedule(text: string, timeZone: string | undefined): Schedule {
  try {
    return parseSchedule(text, timeZone);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw new TrigateError('INVALID_ARGUMENT', `Invalid value for --schedule. ${error.message}.`);
  }
}

/** `Sunday, 29 March 2026 at 03:00:00 CEST` */
const onWall = (at: number, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  }).format(at);

/** The two largest units: `2 d 3 h`, `40 s`. */
function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0 s';
  const shown = parts.slice(first, first + 2).filter(([n]) => n > 0);
  return shown.map(([n, unit]) => `${n} ${unit}`).join(' ');
}
