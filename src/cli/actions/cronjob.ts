import { z } from 'zod';
import { cronJobTriggerSpec, cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { TrigateError } from '../../domain/errors.ts';
import { functionType } from '../../domain/function.ts';
import { apiVersionOf, type KubernetesObject } from '../../domain/resource.ts';
import { fieldName, specIssues } from '../../domain/schema.ts';
import { labelSelector } from '../../domain/trigger.ts';
import type { WriteOptions } from '../../resources/resources.ts';
import { formatSelector } from '../../resources/selector.ts';
import { cronJobSort } from '../cronjob-sort.ts';
import { printedInstead } from '../dry-run.ts';
import { sayMatches } from '../matches.ts';
import type { DryRun } from '../options.ts';
import { checkFormat } from '../output.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import { readSelector } from '../selector-flag.ts';
import type { Session } from '../shell.ts';
import { readPayload } from './cronjob-payload.ts';
import { checkedNamespace, named } from './trigger.ts';
import { type ListFlags, listTriggers } from './trigger-list.ts';

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

type StoredSpec = Readonly<Record<string, unknown>>;

export async function createCronJob(session: Session, name: string, flags: CronJobFlags): Promise<void> {
  const namespace = checkedNamespace(session, cronJobSort, name);
  const spec = await given(flags);
  const trigger = {
    apiVersion: apiVersionOf(cronJobTriggerType),
    kind: cronJobTriggerType.kind,
    metadata: { name, namespace, labels: { 'created-by': 'kubeless' } },
    spec,
  };
  await write(session, trigger, flags, 'created', (options) =>
    session.resources.create(cronJobTriggerType, trigger, options),
  );
}

/** Only what is given replaces. Kubeless blanked the rest. */
export async function updateCronJob(session: Session, name: string, flags: CronJobFlags): Promise<void> {
  const namespace = checkedNamespace(session, cronJobSort, name);
  const changes = await given(flags);
  await retryConflicts(async () => {
    const stored = await named(`Unable to find Cronjob trigger ${name} in namespace ${namespace}. Error `, () =>
      session.resources.get<KubernetesObject<StoredSpec>>(cronJobTriggerType, namespace, name),
    );
    const trigger = { ...stored, spec: changed(stored.spec ?? {}, changes) };
    await write(session, trigger, flags, 'updated', (options) =>
      session.resources.replace(cronJobTriggerType, trigger, options),
    );
  });
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

async function write(
  session: Session,
  trigger: KubernetesObject<StoredSpec>,
  flags: CronJobFlags,
  done: 'created' | 'updated',
  put: (options: WriteOptions) => Promise<unknown>,
): Promise<void> {
  checkFormat(flags.output);
  const { name, namespace = '' } = trigger.metadata;
  checkSpec(trigger);
  const verb = done === 'created' ? 'create' : 'update';
  // Kubeless' own spelling.
  const words = `Failed to ${verb} cronjob trigger object ${name} in namespace ${namespace}. Error: `;
  const store = (options: WriteOptions) => named(words, () => put(options));
  if (await printedInstead(session, { object: trigger, store, ...flags })) return;
  if (flags.function !== undefined) await checkFunction(session, flags.function, namespace);
  await store({});
  session.messages.info(`Cronjob trigger ${name} ${done} in namespace ${namespace} successfully!`);
  if (flags.functionSelector !== undefined) await sayMatches(session, namespace, readSelector(flags.functionSelector));
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

/** The same rules as the resource API, said of the flags. */
export function checkSpec(trigger: KubernetesObject): void {
  const [issue] = specIssues(cronJobTriggerSpec, trigger);
  if (issue === undefined) return;
  const field = issue.path[1];
  if (field === 'schedule') {
    throw new TrigateError('INVALID_ARGUMENT', `Invalid value for --schedule. ${sentence(issue.message)}`);
  }
  const flag = FLAGS[String(field)];
  const what = flag === undefined ? fieldName(issue.path) : `--${flag}`;
  throw new TrigateError('INVALID_ARGUMENT', `${what}: ${issue.message}.`);
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

const booleanOf = (text: string): boolean | string => (text === 'true' ? true : text === 'false' ? false : text);

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
