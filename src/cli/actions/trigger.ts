import type { z } from 'zod';
import { asError, TrigateError } from '../../domain/errors.ts';
import { functionType } from '../../domain/function.ts';
import { apiVersionOf, type KubernetesObject } from '../../domain/resource.ts';
import { specIssues } from '../../domain/schema.ts';
import type { LabelSelector } from '../../domain/trigger.ts';
import { parseSelector } from '../../resources/parse-selector.ts';
import { selectorQuery } from '../../resources/selector.ts';
import { checkNamespace, checkObjectName } from '../names.ts';
import { checkFormat, formatObject } from '../output.ts';
import type { Session } from '../shell.ts';
import type { TriggerSort } from '../trigger-sorts.ts';

/** As given; what is not given is undefined. */
export interface TriggerFlags {
  readonly triggerTopic?: string | undefined;
  readonly functionSelector?: string | undefined;
  readonly dryRun: boolean;
  readonly output: string;
}

export async function createTrigger(session: Session, sort: TriggerSort, name: string, flags: TriggerFlags) {
  const namespace = checkedNamespace(session, sort, name);
  const format = checkFormat(flags.output);
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
  if (flags.dryRun) {
    session.terminal.stdout.write(await formatObject(trigger, format));
    return;
  }
  await named(`Failed to create ${sort.title} trigger object ${name} in namespace ${namespace}. Error: `, () =>
    session.resources.create<KubernetesObject>(type, trigger),
  );
  session.messages.info(`${sort.title} trigger ${name} created in namespace ${namespace} successfully!`);
  await sayMatches(session, namespace, functionSelector);
}

/** Only what is given replaces; the rest of the object, set-based selectors included, stays as it is stored. */
export async function updateTrigger(session: Session, sort: TriggerSort, name: string, flags: TriggerFlags) {
  const namespace = checkedNamespace(session, sort, name);
  const format = checkFormat(flags.output);
  const { type, spec } = await sort.load();
  const { triggerTopic: topic, functionSelector: selectorText } = flags;
  if (topic) checkTopic(spec, topic);
  const functionSelector = selectorText ? readSelector(selectorText) : undefined;

  const stored = await named(`Unable to find ${sort.title} trigger ${name} in namespace ${namespace}. Error `, () =>
    session.resources.get<KubernetesObject<object>>(type, namespace, name),
  );
  const trigger = {
    ...stored,
    spec: { ...stored.spec, ...(topic && { topic }), ...(functionSelector && { functionSelector }) },
  };
  if (flags.dryRun) {
    session.terminal.stdout.write(await formatObject(trigger, format));
    return;
  }
  await named(`Failed to update ${sort.title} trigger object ${name} in namespace ${namespace}. Error: `, () =>
    session.resources.replace<KubernetesObject>(type, trigger),
  );
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

export function readSelector(text: string): LabelSelector {
  try {
    return parseSelector(text);
  } catch (thrown) {
    throw new TrigateError('INVALID_ARGUMENT', `Invalid label selector specified: ${asError(thrown).message}`);
  }
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

const NAMES_SHOWN = 5;

/** A selector that matches nothing is the most common mistake, and nothing else would tell. */
async function sayMatches({ resources, messages }: Session, namespace: string, selector: LabelSelector) {
  const query = selectorQuery(selector);
  const which = query === '' ? 'every function (the selector is empty)' : query;
  try {
    const { items } = await resources.list(functionType, { namespace, labelSelector: query });
    if (items.length === 0) {
      messages.warning(
        `No function in namespace ${namespace} matches ${which} now: no event is delivered until one does.`,
      );
      return;
    }
    const names = items.map((item) => item.metadata.name).sort();
    const shown = names.slice(0, NAMES_SHOWN).join(', ') + (names.length > NAMES_SHOWN ? ', ...' : '');
    const verb = names.length === 1 ? 'function matches' : 'functions match';
    messages.info(`${names.length} ${verb} ${which} now: ${shown}`);
  } catch (thrown) {
    messages.warning(`Cannot tell which functions match now: ${asError(thrown).message}`);
  }
}
