import type { z } from 'zod';
import { TrigateError } from '../../domain/errors.ts';
import { specIssues } from '../../domain/schema.ts';
import type { DryRun } from '../options.ts';
import { readSelector } from '../selector-flag.ts';
import type { Session } from '../shell.ts';
import type { TriggerSort } from '../trigger-sorts.ts';
import { checkedNamespace } from './trigger.ts';
import { createTriggerObject, updateTriggerObject } from './trigger-write.ts';

/** As given; what is not given is undefined. */
export interface TriggerFlags {
  readonly triggerTopic?: string | undefined;
  readonly functionSelector?: string | undefined;
  readonly dryRun: DryRun;
  readonly output: string;
}

export async function createTrigger(session: Session, sort: TriggerSort, name: string, flags: TriggerFlags) {
  const { triggerTopic: topic = '', functionSelector: text = '' } = flags;
  checkedNamespace(session, sort, name);
  const { type, spec } = await sort.load();
  checkTopic(spec, topic);
  const functionSelector = readSelector(text);
  const given = () => ({ topic, functionSelector });
  await createTriggerObject(session, { ...flags, title: sort.title, type, name, selector: functionSelector, given });
}

/** An empty flag changes nothing, as in Kubeless. */
export async function updateTrigger(session: Session, sort: TriggerSort, name: string, flags: TriggerFlags) {
  const { triggerTopic: topic, functionSelector: text } = flags;
  checkedNamespace(session, sort, name);
  const { type, spec } = await sort.load();
  if (topic) checkTopic(spec, topic);
  const functionSelector = text ? readSelector(text) : undefined;
  const given = () => ({ ...(topic && { topic }), ...(functionSelector && { functionSelector }) });
  await updateTriggerObject(session, { ...flags, title: sort.title, type, name, selector: functionSelector, given });
}

/** The kind's own rule; every other field of a spec has a default. */
function checkTopic(spec: z.ZodType, topic: string): void {
  const [issue] = specIssues(spec, { apiVersion: '', kind: '', metadata: { name: '' }, spec: { topic } });
  if (issue === undefined) return;
  const found = issue.message.includes('found') ? '' : `, found ${JSON.stringify(topic)}`;
  throw new TrigateError('INVALID_ARGUMENT', `--trigger-topic ${issue.message}${found}.`);
}
