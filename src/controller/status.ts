import { isDeepStrictEqual } from 'node:util';
import type { Selection, SourceStatus } from '../domain/kind.ts';
import type { Condition } from '../domain/resource.ts';
import { fieldName } from '../domain/schema.ts';
import type { TriggerStatus } from '../domain/trigger.ts';
import { formatSelector } from '../resources/selector.ts';
import type { TriggerPlan } from './reconcile.ts';

type Fact = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** What is true of a trigger now, as conditions: `Ready` sums up the others. */
export function conditionsOf(plan: TriggerPlan, sources: readonly SourceStatus[]): Fact[] {
  const [issue] = plan.issues;
  if (issue !== undefined) {
    return [fact('Ready', false, 'InvalidSpec', `${fieldName(issue.path)} ${issue.message}`)];
  }
  const matched = matchedFact(plan);
  const connected = connectedFact(sources);
  const paused = pausedFact(plan);
  return [readyFact(matched, connected, paused), connected, matched, paused];
}

function readyFact(matched: Fact, connected: Fact, paused: Fact): Fact {
  if (paused.status === 'True') return fact('Ready', false, 'Paused', paused.message);
  if (matched.status !== 'True') return fact('Ready', false, matched.reason, matched.message);
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
  const broken = sources.find((source) => source.type === 'disconnected');
  if (broken?.type === 'disconnected') return fact('SourceConnected', false, broken.reason, broken.message);
  const [first] = sources;
  if (first === undefined)
    return fact('SourceConnected', false, 'NoSubscription', 'nothing is read while no function is selected');
  return fact('SourceConnected', true, 'Connected', first.message);
}

function pausedFact(plan: TriggerPlan): Fact {
  const { spec } = plan.object;
  if (isSet(spec, 'paused')) return fact('Paused', true, 'Paused', 'spec.paused is set; the position is held');
  if (isSet(spec, 'suspend')) return fact('Paused', true, 'Paused', 'spec.suspend is set; no tick fires');
  return fact('Paused', false, 'Running', 'spec.paused is not set');
}

const isSet = (spec: unknown, field: string): boolean =>
  typeof spec === 'object' && spec !== null && new Map<string, unknown>(Object.entries(spec)).get(field) === true;

const fact = (type: string, isTrue: boolean, reason: string, message: string): Fact => ({
  type,
  status: isTrue ? 'True' : 'False',
  reason,
  message,
});

/** The new status, or undefined when the stored one says the same. Times change only with what they are the time of. */
export function nextStatus(
  stored: TriggerStatus | undefined,
  plan: TriggerPlan,
  facts: readonly Fact[],
  now: string,
): TriggerStatus | undefined {
  const generation = plan.object.metadata.generation ?? 1;
  const before = new Map((stored?.conditions ?? []).map((condition) => [condition.type, condition]));
  const conditions = facts.map((is) => {
    const was = before.get(is.type);
    const lastTransitionTime = was?.status === is.status ? was.lastTransitionTime : now;
    return { ...is, lastTransitionTime, observedGeneration: generation };
  });
  const next: TriggerStatus = { observedGeneration: generation, conditions, functions: [...plan.functions] };
  const shown = {
    observedGeneration: stored?.observedGeneration,
    conditions: stored?.conditions,
    functions: stored?.functions,
  };
  // Not as text: an API server gives the fields back in another order.
  return isDeepStrictEqual(next, shown) ? undefined : next;
}
