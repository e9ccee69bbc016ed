import type { z } from 'zod';
import { asError, TrigateError } from '../../domain/errors.ts';
import { apiVersionOf, type KubernetesObject } from '../../domain/resource.ts';
import { specIssues } from '../../domain/schema.ts';
import type { WriteOptions } from '../../resources/resources.ts';
import { printedInstead } from '../dry-run.ts';
import { sayMatches } from '../matches.ts';
import { checkNamespace, checkObjectName } from '../names.ts';
import type { DryRun } from '../options.ts';
import { checkFormat } from '../output.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import { readSelector } from '../selector-flag.ts';
import type { Session } from '../shell.ts';
import type { TriggerSort } from '../trigger-sorts.ts';

/** As given; what is not given is undefined. */
export interface TriggerFlags {
  readonly triggerTopic?: string | undefined;
  readonly functionSelector?: string | undefined;
  readonly dryRun: DryRun;
  readonly output: string;
}

export async function createTrigger(session: Session, sort: TriggerSort, name: string, flags: TriggerFlags) {
  const namespace = checkedNamespace(session, sort, name);
  checkFormat(flags.output);
  const { type, spec } = await sort.load();
  const topic = flags.triggerTopic ?? '';
  checkTopic(spec, topic);
  const functionSelector = readSelector(flags.functionSelector ?? '');
  const trigger = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { name, namespace, labels: { 'created-by': 'kubeless' } },
    spec: { topic, functionSelector },
  };
  const words = `Failed to create ${sort.title} trigger object ${name} in namespace ${namespace}. Error: `;
  const store = (options: WriteOptions) =>
    named(words, () => session.resources.create<KubernetesObject>(type, trigger, options));
  if (await printedInstead(session, { object: trigger, store, ...flags })) return;
  await store({});
  session.messages.info(`${sort.title} trigger ${name} created in namespace ${namespace} successfully!`);
  await sayMatches(session, namespace, functionSelector);
}

/** Only what is given replaces; the rest of the object, set-based selectors included, stays as it is stored. */
export async function updateTrigger(session: Session, sort: TriggerSort, name: string, flags: TriggerFlags) {
  const namespace = checkedNamespace(session, sort, name);
  checkFormat(flags.output);
  const { type, spec } = await sort.load();
  const { triggerTopic: topic, functionSelector: selectorText } = flags;
  if (topic) checkTopic(spec, topic);
  const functionSelector = selectorText ? readSelector(selectorText) : undefined;

  const unfound = `Unable to find ${sort.title} trigger ${name} in namespace ${namespace}. Error `;
  const unstored = `Failed to update ${sort.title} trigger object ${name} in namespace ${namespace}. Error: `;
  const isPrinted = await retryConflicts(async () => {
    const stored = await named(unfound, () => session.resources.get<KubernetesObject<object>>(type, namespace, name));
    const changes = { ...(topic && { topic }), ...(functionSelector && { functionSelector }) };
    const trigger = { ...stored, spec: { ...stored.spec, ...changes } };
    const store = (options: WriteOptions) =>
      named(unstored, () => session.resources.replace<KubernetesObject>(type, trigger, options));
    if (await printedInstead(session, { object: trigger, store, ...flags })) return true;
    await store({});
    return false;
  });
  if (isPrinted) return;
  session.messages.info(`${sort.title} trigger ${name} updated in namespace ${namespace} successfully!`);
  if (functionSelector !== undefined) await sayMatches(session, namespace, functionSelector);
}

export async function deleteTrigger(session: Session, sort: Pick<TriggerSort, 'title' | 'load'>, name: string) {
  const namespace = checkedNamespace(session, sort, name);
  const { type } = await sort.load();
  await named(`Failed to delete ${sort.title} trigger object ${name} in namespace ${namespace}. Error: `, () =>
    session.resources.delete(type, namespace, name),
  );
  session.messages.info(`${sort.title} trigger ${name} deleted from namespace ${namespace} successfully!`);
}

/** The namespace of the session, when it and the name can be. */
export function checkedNamespace({ namespace }: Session, sort: Pick<TriggerSort, 'title'>, name: string): string {
  checkNamespace(namespace);
  checkObjectName(`${sort.title} trigger name`, name);
  return namespace;
}

/** The kind's own rule; every other field of a spec has a default. */
function checkTopic(spec: z.ZodType, topic: string): void {
  const [issue] = specIssues(spec, { apiVersion: '', kind: '', metadata: { name: '' }, spec: { topic } });
  if (issue === undefined) return;
  const found = issue.message.includes('found') ? '' : `, found ${JSON.stringify(topic)}`;
  throw new TrigateError('INVALID_ARGUMENT', `--trigger-topic ${issue.message}${found}.`);
}

/** Puts Kubeless' words before the reason of a failure. */
export async function named<T>(words: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asError(thrown);
    const code = error instanceof TrigateError ? error.code : 'INTERNAL';
    throw new TrigateError(code, `${words}${error.message}`, { cause: error });
  }
}
