import {
  delivery,
  fanout,
  labelSelector,
  type PrinterColumn,
  type ResourceType,
  type TriggerSpec,
  z,
} from '../../src/sdk.ts';
import { parseSchedule, ScheduleError, zoneOf } from './schedule/schedule.ts';

export const cronJobTriggerType: ResourceType = {
  group: 'kubeless.io',
  version: 'v1beta1',
  kind: 'CronJobTrigger',
  plural: 'cronjobtriggers',
  singular: 'cronjobtrigger',
  shortNames: ['cjt'],
  namespaced: true,
};

/** What lists show of the spec. */
export const cronJobTriggerColumns: readonly PrinterColumn[] = [
  { name: 'Schedule', path: '.spec.schedule', type: 'string' },
  { name: 'Function', path: '.spec.function-name', type: 'string' },
];

export interface CronJobTriggerSpec extends TriggerSpec {
  readonly schedule: string;
  readonly timeZone?: string | undefined;
  /** One function, as in Kubeless. Undefined: those that `functionSelector` selects. */
  readonly 'function-name'?: string | undefined;
  /** Any JSON. Without one, or with null, the function gets a GET. */
  readonly payload?: unknown;
  readonly startingDeadlineSeconds: number;
  readonly missed: 'skip' | 'one' | 'all';
  readonly concurrencyPolicy: 'Allow' | 'Forbid' | 'Replace';
  readonly suspend: boolean;
}

const fields = z.strictObject({
  schedule: z
    .string()
    .describe(
      'Five cron fields, six with seconds first, @hourly and the like, or @every 90s. CRON_TZ=ZONE may precede.',
    ),
  timeZone: z
    .string()
    .optional()
    .describe('IANA name such as Europe/Berlin. Default: the one in the schedule, else UTC.'),
  'function-name': z.string().min(1).optional().describe('The function to call; instead of functionSelector.'),
  functionSelector: labelSelector.optional(),
  payload: z.unknown().optional().describe('JSON to POST. Without one the function gets a GET.'),
  startingDeadlineSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .default(30)
    .describe('How late a tick may fire, in seconds; a later one is missed.'),
  missed: z
    .enum(['skip', 'one', 'all'])
    .default('skip')
    .describe('Missed ticks: count them; or fire the latest; or fire the last hundred, one after the other.'),
  concurrencyPolicy: z
    .enum(['Allow', 'Forbid', 'Replace'])
    .default('Allow')
    .describe(
      'While the call of an earlier tick runs: call as well; wait within the deadline; give up the earlier call.',
    ),
  suspend: z.boolean().default(false).describe('No tick fires; those that pass are counted as paused_skip.'),
  delivery,
  fanout,
});

type Input = z.infer<typeof fields>;

export const cronJobTriggerSpec: z.ZodType<CronJobTriggerSpec> = fields
  .superRefine((spec, context) => {
    for (const { field, message } of problems(spec)) context.addIssue({ code: 'custom', path: [field], message });
  })
  .transform((spec) => ({ ...spec, functionSelector: spec.functionSelector ?? {} }));

function problems(spec: Input): { field: keyof Input; message: string }[] {
  return [...functionProblems(spec), ...scheduleProblems(spec), ...payloadProblems(spec)];
}

function functionProblems(spec: Input): { field: keyof Input; message: string }[] {
  const both = spec.functionSelector !== undefined && spec['function-name'] !== undefined;
  if (both) return [{ field: 'functionSelector', message: 'must not stand beside function-name: only one can choose' }];
  if (spec.functionSelector !== undefined || spec['function-name'] !== undefined) return [];
  return [{ field: 'function-name', message: 'is missing; it or functionSelector says which functions to call' }];
}

function scheduleProblems({ schedule, timeZone }: Input): { field: keyof Input; message: string }[] {
  const ofZone = timeZone === undefined ? undefined : problemOf(() => zoneOf(timeZone));
  if (ofZone !== undefined) return [{ field: 'timeZone', message: ofZone }];
  const ofSchedule = problemOf(() => parseSchedule(schedule, timeZone));
  return ofSchedule === undefined ? [] : [{ field: 'schedule', message: ofSchedule }];
}

function payloadProblems({ payload, delivery: { maxBytes } }: Input): { field: keyof Input; message: string }[] {
  const { length } = payloadBytes(payload);
  if (length <= maxBytes) return [];
  return [{ field: 'payload', message: `must be at most ${maxBytes} bytes as JSON, found ${length}` }];
}

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}

/** Without a payload: no bytes. */
export function payloadBytes(payload: unknown): Uint8Array {
  return new TextEncoder().encode(payload === undefined || payload === null ? '' : JSON.stringify(payload));
}
