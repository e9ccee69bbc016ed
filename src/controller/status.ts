import { isDeepStrictEqual } from 'node:util';
import type { Selection, SourceStatus } from '../domain/kind.ts';
import type { Condition } from '../domain/resource.ts';
import { fieldName } from '../domain/schema.ts';
import type { ShownProgress, TriggerStatus } from '../domain/trigger.ts';
import { formatSelector } from '../resources/selector.ts';
import type { TriggerPlan } from './reconcile.ts';

type Fact = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** What is known of a subscription that runs. */
export interface SubscriptionState {
  readonly source: SourceStatus;
  /** What is seen and what to do, while its source stands still and opening it anew does not help. */
  readonly stuck: string | undefined;
  readonly progress: ShownProgress | undefined;
}

/** Where a source stands that nobody can say yet of whether it connects. */
export const OPENING = { type: 'disconnected', reason: 'Connecting', message: 'not connected yet' } as const;

export const isOpening = (source: SourceStatus): boolean =>
  source.type === 'disconnected' && source.reason === OPENING.reason;

/** What is true of a trigger now, as conditions: `Ready` sums up the others. */
export function conditionsOf(plan: TriggerPlan, running: readonly SubscriptionState[]): Fact[] {
  const [issue] = plan.issues;
  if (issue !== undefined) {
    return [fact('Ready', false, 'InvalidSpec', `${fieldName(issue.path)} ${issue.message}`)];
  }
  const matched = matchedFact(plan);
  const connected = connectedFact(running.map(({ source }) => source));
  const delivering = deliveringFact(connected, plan, running);
  const paused = pausedFact(plan);
  return [readyFact(matched, connected, delivering, paused), connected, matched, delivering, paused];
}

function readyFact(matched: Fact, connected: Fact, delivering: Fact, paused: Fact): Fact {
  if (paused.status === 'True') return fact('Ready', false, 'Paused', paused.message);
  if (matched.status !== 'True') return fact('Ready', false, matched.reason, matched.message);
  if (delivering.status === 'False') return fact('Ready', false, delivering.reason, delivering.message);
  if (connected.status !== 'True') return fact('Ready', false, connected.reason, connected.message);
  return fact('Ready', true, 'Delivering', matched.message);
}

function matchedFact(plan: TriggerPlan): Fact {
  const { functions, selection } = plan;
  if (functions.length > 0) {
    const noun = functions.length === 1 ? 'function' : 'functions';
    return fact('FunctionsMatched', true, 'Matched', `selects ${functions.length} ${noun}: ${functions.join(', ')}`);
  }
  const message = `namespace ${plan.trigger.namespace} has no function${selection && wanted(selection)}`;
  return fact('FunctionsMatched', false, 'NoFunction', message);
}

function wanted(selection: Selection): string {
  if (selection.type === 'name') return ` named ${selection.name}`;
  const selector = formatSelector(selection.selector);
  return selector === '<none>' ? '' : ` with ${selector}`;
}

function connectedFact(sources: readonly SourceStatus[]): Fact {
  const broken =
    sources.find((source) => source.type === 'disconnected' && !isOpening(source)) ?? sources.find(isOpening);
  if (broken?.type === 'disconnected') return fact('SourceConnected', false, broken.reason, broken.message);
  const [first] = sources;
  if (first === undefined)
    return fact('SourceConnected', false, 'NoSubscription', 'nothing is read while no function is selected');
  return fact('SourceConnected', true, 'Connected', first.message);
}

/** It stays False while a source that is stuck is opened anew again and again. */
function deliveringFact(connected: Fact, plan: TriggerPlan, running: readonly SubscriptionState[]): Fact {
  const type = 'Delivering';
  const stuck = running.find((each) => each.stuck !== undefined)?.stuck;
  if (stuck !== undefined) return fact(type, false, 'SourceStalled', stuck);
  const refused = refusedText(plan);
  if (refused !== undefined) return fact(type, false, 'FunctionRefused', refused);
  if (connected.status === 'True') return fact(type, true, 'Moving', 'what can be claimed is claimed');
  return { type, status: 'Unknown', reason: connected.reason, message: 'nothing is read' };
}

/** The first, and how many more: a namespace may have hundreds. */
function refusedText({ subscriptions }: TriggerPlan): string | undefined {
  const refused = subscriptions.flatMap(({ targets }) => targets.filter(({ refusal }) => refusal !== undefined));
  const [first, ...others] = refused;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : `; nor ${others.length === 1 ? 'is 1 other' : `are ${others.length} others`}`;
  return `function ${first.name} is not called: ${first.refusal}${more}`;
}

function pausedFact(plan: TriggerPlan): Fact {
  const { spec } = plan.object;
  if (has(spec, 'paused', true)) {
    const what = has(spec, 'onPause', 'skip') ? 'what comes is counted as paused_skip' : 'the position is held';
    return fact('Paused', true, 'Paused', `spec.paused is set; ${what}`);
  }
  if (has(spec, 'suspend', true)) return fact('Paused', true, 'Paused', 'spec.suspend is set; no tick fires');
  return fact('Paused', false, 'Running', 'spec.paused is not set');
}

const has = (spec: unknown, field: string, value: unknown): boolean =>
  typeof spec === 'object' && spec !== null && new Map<string, unknown>(Object.entries(spec)).get(field) === value;

const fact = (type: string, isTrue: boolean, reason: string, message: string): Fact => ({
  type,
  status: isTrue ? 'True' : 'False',
  reason,
  message,
});

/**
 * The new status, or undefined when the stored one says the same. Times change only with what they are the time of.
 * @param progress undefined: what is stored stays
 */
export function nextStatus(
  stored: TriggerStatus | undefined,
  plan: TriggerPlan,
  facts: readonly Fact[],
  progress: ShownProgress | undefined,
  now: string,
): TriggerStatus | undefined {
  const generation = plan.object.metadata.generation ?? 1;
  const before = new Map((stored?.conditions ?? []).map((condition) => [condition.type, condition]));
  const conditions = facts.map((is) => {
    const was = before.get(is.type);
    const lastTransitionTime = was?.status === is.status ? was.lastTransitionTime : now;
    return { ...is, lastTransitionTime, observedGeneration: generation };
  });
  const next: TriggerStatus = {
    observedGeneration: generation,
    conditions,
    functions: [...plan.functions],
    ...(progress === undefined ? {} : { progress }),
  };
  const shown = {
    observedGeneration: stored?.observedGeneration,
    conditions: stored?.conditions,
    functions: stored?.functions,
    ...(progress === undefined ? {} : { progress: stored?.progress }),
  };
  // Not as text: an API server gives the fields back in another order.
  return isDeepStrictEqual(next, shown) ? undefined : next;
}
