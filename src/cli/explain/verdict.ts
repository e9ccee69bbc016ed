import { z } from 'zod';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { fieldName } from '../../domain/schema.ts';
import { labelSelector, type TriggerName } from '../../domain/trigger.ts';
import { formatSelector, matches } from '../../resources/selector.ts';
import type { Candidate } from '../matches.ts';
import { subjectMatches } from './subject.ts';

/** What a trigger says to an event, and why. */
export interface TriggerVerdict {
  readonly trigger: TriggerName;
  readonly listens: boolean;
  /** `listens to orders`, `is not valid: …` */
  readonly why: string;
  readonly functions: readonly FunctionVerdict[];
}

export interface FunctionVerdict {
  readonly name: string;
  readonly selected: boolean;
  /** `has app=shop`, `has app=mail and not app=shop` */
  readonly why: string;
}

/** What is known of an event that may have come, or may come. */
export interface AskedEvent {
  readonly topic: string;
  /** Kinds of triggers that read where it is; undefined: any that listens to topics. */
  readonly kinds?: readonly string[] | undefined;
}

/** The kind's own name: `kafka` for KafkaTrigger. */
export const kindOf = (type: Pick<ServedType, 'singular'>): string => type.singular.replace(/trigger$/, '');

const listening = z.looseObject({
  topic: z.string().optional(),
  'function-name': z.string().optional(),
  functionSelector: labelSelector.default({}),
  paused: z.boolean().optional(),
  suspend: z.boolean().optional(),
});
type Listening = z.infer<typeof listening>;

/** Pure: what a trigger makes of an event, with the functions of its namespace as they are. */
export function judge(
  type: ServedType,
  object: KubernetesObject,
  functions: readonly Candidate[],
  event: AskedEvent,
): TriggerVerdict {
  const { namespace = 'default', name } = object.metadata;
  const trigger = { kind: kindOf(type), namespace, name };
  const [issue] = type.validate(object);
  if (issue !== undefined) {
    const why = `is not valid: ${fieldName(issue.path)} ${issue.message}`;
    return { trigger, listens: false, why, functions: [] };
  }
  const spec = listening.parse(object.spec);
  const ear = hears(trigger.kind, spec, event);
  return { trigger, ...ear, functions: ear.listens ? judgeFunctions(spec, functions) : [] };
}

function hears(kind: string, { topic, paused, suspend }: Listening, event: AskedEvent) {
  if (topic === undefined) return { listens: false, why: 'listens to no topic' };
  if (event.kinds !== undefined && !event.kinds.includes(kind)) {
    return { listens: false, why: `listens to ${topic} of another broker` };
  }
  const isOurs = kind === 'nats' ? subjectMatches(topic, event.topic) : topic === event.topic;
  if (!isOurs) return { listens: false, why: `listens to ${topic}` };
  const held = paused === true || suspend === true ? ' and is paused' : '';
  return { listens: true, why: `listens to ${topic}${held}` };
}

/** What the selector of a valid trigger says to each function. */
export function judgeFunctions(spec: unknown, functions: readonly Candidate[]): FunctionVerdict[] {
  const { 'function-name': wanted, functionSelector } = listening.parse(spec);
  return functions.map(({ name, labels }) => {
    if (wanted !== undefined) return { name, selected: name === wanted, why: `function-name is ${wanted}` };
    const selected = matches(functionSelector, labels);
    const asked = formatSelector(functionSelector);
    if (asked === '<none>') return { name, selected, why: 'the selector is empty: it selects every function' };
    return { name, selected, why: selected ? `has ${asked}` : `has ${labelsOf(labels)}, not ${asked}` };
  });
}

const labelsOf = (labels: Candidate['labels']): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || 'no labels';
