import { cronJobTriggerType } from '../../../../triggers/cronjob/spec.ts';
import { TrigateError } from '../../../domain/errors.ts';
import { type FunctionObject, functionType } from '../../../domain/function.ts';
import { apiVersionOf, type KubernetesObject } from '../../../domain/resource.ts';
import type { WriteOptions } from '../../../resources/resources.ts';
import { printedInstead } from '../../dry-run.ts';
import { checkNamespace, checkObjectName } from '../../names.ts';
import { checkFormat } from '../../output.ts';
import { retryConflicts } from '../../retry-conflicts.ts';
import type { Session } from '../../shell.ts';
import { checkCronJob } from '../cronjob.ts';
import { named } from '../trigger.ts';
import { type FunctionFlags, readFlags } from './flags.ts';
import { changedFunction, newFunction } from './object.ts';
import { checkRuntime } from './runtimes.ts';

export async function deployFunction(session: Session, name: string, flags: FunctionFlags): Promise<void> {
  const { namespace, messages, resources } = session;
  checkPlace(session, name);
  checkFormat(flags.output);
  if (!flags.runtime && !flags.runtimeImage) {
    throw invalid('Either `--runtime` or `--runtime-image` flag must be specified.');
  }
  if (flags.runtime && !flags.handler) throw invalid('You must specify handler for the runtime.');
  const trigger = flags.schedule ? scheduled(name, namespace, flags.schedule) : undefined;
  const object = newFunction(name, namespace, await readFlags(flags));
  // Where nothing is stored, nobody has to be there.
  if (flags.runtime && flags.dryRun !== 'client') await checkRuntime(session, flags.runtime);

  const store = (options: WriteOptions) =>
    named(`Failed to deploy ${name}. Received: `, () =>
      resources.create<FunctionObject>(functionType, object, options),
    );
  const schedule = async (options: WriteOptions) => {
    if (trigger === undefined) return;
    const words = `Failed to deploy cron job trigger ${name}. Received: `;
    await named(words, () => resources.create<KubernetesObject>(cronJobTriggerType, trigger, options));
  };
  if (flags.dryRun === 'none') messages.info('Deploying function...');
  if (trigger !== undefined && flags.dryRun !== 'client') {
    // Both or none: a function whose trigger is refused would be stored without its schedule.
    await store({ dryRun: true });
    await schedule({ dryRun: true });
  }
  if (await printedInstead(session, { object, store, ...flags })) return;
  await store({});
  sayStored(session, name);
  await schedule({});
  if (session.target === 'cluster') {
    messages.warning(
      `Function ${name} is stored, and nothing of Trigate runs it yet: a cluster needs Kubeless' own controller for that.`,
    );
  }
}

export async function updateFunction(session: Session, name: string, flags: FunctionFlags): Promise<void> {
  const { namespace, messages, resources } = session;
  checkPlace(session, name);
  checkFormat(flags.output);
  const given = await readFlags(flags);
  if (flags.runtime) await checkRuntime(session, flags.runtime);
  const changed = async () => changedFunction(await existing(session, name), given);

  const store = (options: WriteOptions) =>
    retryConflicts(async () => resources.replace(functionType, await changed(), options));
  const object = await changed();
  if (await printedInstead(session, { object, store, ...flags })) return;
  messages.info('Redeploying function...');
  await named(`Failed to update Function ${name} in namespace ${namespace}. Error: `, () => store({}));
  sayStored(session, name);
}

/** Says nothing when it is done, as in Kubeless. */
export async function deleteFunction(session: Session, name: string): Promise<void> {
  checkPlace(session, name);
  await session.resources.delete(functionType, session.namespace, name);
}

/** @throws TrigateError NOT_FOUND with Kubeless' sentence */
export async function existing({ resources, namespace }: Session, name: string): Promise<FunctionObject> {
  try {
    return await resources.get<FunctionObject>(functionType, namespace, name);
  } catch (error) {
    if (!(error instanceof TrigateError && error.code === 'NOT_FOUND')) throw error;
    throw new TrigateError('NOT_FOUND', `Function ${name} is not found`, { cause: error });
  }
}

export function checkPlace({ namespace }: Session, name: string): void {
  checkNamespace(namespace);
  checkObjectName('function name', name);
}

/** Kubeless' line tells a command that can be pasted. */
function sayStored({ messages, namespace }: Session, name: string): void {
  const where = namespace === 'default' ? '' : ` -n ${namespace}`;
  messages.info(`Function ${name} submitted for deployment`);
  messages.info(`Check the deployment status executing 'kubeless function ls ${name}${where}'`);
}

/** Without a payload: the function gets a GET. */
function scheduled(name: string, namespace: string, schedule: string): KubernetesObject {
  const trigger = {
    apiVersion: apiVersionOf(cronJobTriggerType),
    kind: cronJobTriggerType.kind,
    metadata: { name, namespace, labels: { 'created-by': 'kubeless', function: name } },
    spec: { 'function-name': name, schedule },
  };
  checkCronJob(trigger);
  return trigger;
}

const invalid = (sentence: string) => new TrigateError('INVALID_ARGUMENT', sentence);
