import { z } from 'zod';
import { cronJobTriggerSpec, cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { TrigateError } from '../../domain/errors.ts';
import { functionType } from '../../domain/function.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import { specIssues } from '../../domain/schema.ts';
import { labelSelector } from '../../domain/trigger.ts';
import { formatSelector } from '../../resources/selector.ts';
import { cronJobSort } from '../cronjob-sort.ts';
import type { DryRun } from '../options.ts';
import { readSelector } from '../selector-flag.ts';
import type { Session } from '../shell.ts';
import { readPayload } from './cronjob-payload.ts';
import { named } from './trigger.ts';
import { type ListFlags, listTriggers } from './trigger-list.ts';
import {
  booleanOf,
  checkSpec,
  createTriggerObject,
  type StoredSpec,
  type TriggerWrite,
  updateTriggerObject,
} from './trigger-write.ts';

/** As given; what is not given is undefined. */
export interface CronJobFlags {
  readonly function?: string | undefined;
  readonly functionSelector?: string | undefined;
  readonly schedule?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly payload?: string | undefined;
  readonly payloadFromFile?: string | undefined;
  readonly startingDeadlineSeconds?: string | undefined;
  readonly missed?: string | undefined;
  readonly concurrencyPolicy?: string | undefined;
  readonly suspend?: string | undefined;
  readonly dryRun: DryRun;
  readonly output: string;
}

export const createCronJob = (session: Session, name: string, flags: CronJobFlags): Promise<void> =>
  createTriggerObject(session, writeOf(session, name, flags));

export const updateCronJob = (session: Session, name: string, flags: CronJobFlags): Promise<void> =>
  updateTriggerObject(session, writeOf(session, name, flags));

function writeOf(session: Session, name: string, flags: CronJobFlags): TriggerWrite {
  const { dryRun, output, function: functionName, functionSelector } = flags;
  return {
    title: cronJobSort.title,
    failing: 'cronjob',
    type: cronJobTriggerType,
    name,
    dryRun,
    output,
    selector: functionSelector === undefined ? undefined : readSelector(functionSelector),
    given: () => given(flags),
    check: checkCronJob,
    checkStored: async (namespace) => {
      if (functionName !== undefined) await checkFunction(session, functionName, namespace);
    },
    merge: changed,
  };
}

/** Only one of `function-name` and `functionSelector` can choose the functions. */
function changed(spec: StoredSpec, changes: StoredSpec): StoredSpec {
  const { 'function-name': functionName, functionSelector, ...others } = spec;
  const chosen = 'function-name' in changes || 'functionSelector' in changes;
  const kept = {
    ...(functionName !== undefined && { 'function-name': functionName }),
    ...(functionSelector !== undefined && { functionSelector }),
  };
  return { ...others, ...(!chosen && kept), ...changes };
}

async function checkFunction({ resources }: Session, name: string, namespace: string): Promise<void> {
  await named(`Unable to find Function ${name} in namespace ${namespace}. Error `, () =>
    resources.get(functionType, namespace, name),
  );
}

const FLAGS: Readonly<Record<string, string>> = {
  timeZone: 'time-zone',
  'function-name': 'function',
  functionSelector: 'function-selector',
  payload: 'payload',
  startingDeadlineSeconds: 'starting-deadline-seconds',
  missed: 'missed',
  concurrencyPolicy: 'concurrency-policy',
  suspend: 'suspend',
};

/** @throws TrigateError INVALID_ARGUMENT */
export function checkCronJob(trigger: KubernetesObject): void {
  const [issue] = specIssues(cronJobTriggerSpec, trigger);
  if (issue?.path[1] === 'schedule') {
    throw new TrigateError('INVALID_ARGUMENT', `Invalid value for --schedule. ${sentence(issue.message)}`);
  }
  checkSpec(cronJobTriggerSpec, trigger, FLAGS);
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** The fields of the spec that flags give. */
async function given(flags: CronJobFlags): Promise<StoredSpec> {
  const payload = await readPayload(flags);
  const deadline = flags.startingDeadlineSeconds;
  return {
    ...(flags.schedule !== undefined && { schedule: flags.schedule }),
    ...(flags.timeZone !== undefined && { timeZone: flags.timeZone }),
    ...(flags.function !== undefined && { 'function-name': flags.function }),
    ...(flags.functionSelector !== undefined && { functionSelector: readSelector(flags.functionSelector) }),
    ...(payload !== undefined && { payload: payload.value }),
    ...(deadline !== undefined && { startingDeadlineSeconds: /^\d+$/.test(deadline) ? Number(deadline) : deadline }),
    ...(flags.missed !== undefined && { missed: flags.missed }),
    ...(flags.concurrencyPolicy !== undefined && { concurrencyPolicy: flags.concurrencyPolicy }),
    ...(flags.suspend !== undefined && { suspend: booleanOf(flags.suspend) }),
  };
}

const listed = z
  .looseObject({
    schedule: z.string().catch(''),
    'function-name': z.string().optional().catch(undefined),
    functionSelector: labelSelector.optional().catch(undefined),
  })
  .catch({ schedule: '' });

/** Kubeless' columns; a selector stands in the place of the function. */
export async function listCronJobs(session: Session, flags: ListFlags): Promise<void> {
  await listTriggers(session, { ...cronJobSort, heads: ['SCHEDULE', 'FUNCTION NAME'], cells }, flags);
}

function cells({ spec }: KubernetesObject): string[] {
  const { schedule, 'function-name': name, functionSelector } = listed.parse(spec);
  return [schedule, name ?? formatSelector(functionSelector ?? {})];
}
