import { isDeepStrictEqual } from 'node:util';
import type { FunctionTarget } from '../domain/function.ts';
import type { TriggerKind } from '../domain/kind.ts';
import type { Trigger } from '../domain/trigger.ts';
import { planTrigger, type TriggerPlan } from './reconcile.ts';

const NONE: readonly FunctionTarget[] = [];

/** The triggers of one kind, as they are stored. */
export interface TriggersOfKind {
  readonly kind: TriggerKind;
  readonly objects: Iterable<Trigger>;
}

/**
 * Plans all triggers, and plans anew only those that a change concerns: their spec, or a function of their namespace.
 * Every status that is written comes back as a change; with a thousand triggers each must cost next to nothing.
 */
export class Planner {
  #plans = new Map<string, Planned>();
  #ofAll: readonly FunctionTarget[] = NONE;
  #functions = new Map<string, readonly FunctionTarget[]>();

  /** @returns the plan of before, the very same, where nothing about a trigger and its functions has changed */
  plan(triggers: readonly TriggersOfKind[], functions: readonly FunctionTarget[]): readonly TriggerPlan[] {
    const byNamespace = this.#grouped(functions);
    const next = new Map<string, Planned>();
    for (const { kind, objects } of triggers) {
      for (const object of objects) {
        const { namespace = 'default', name, deletionTimestamp } = object.metadata;
        if (deletionTimestamp !== undefined) continue;
        const key = `${kind.name}/${namespace}/${name}`;
        next.set(key, planned(this.#plans.get(key), kind, object, byNamespace.get(namespace) ?? NONE));
      }
    }
    this.#plans = next;
    return [...next.values()].map(({ plan }) => plan);
  }

  /** By namespace; the list of before where it says the same. */
  #grouped(functions: readonly FunctionTarget[]): ReadonlyMap<string, readonly FunctionTarget[]> {
    if (functions === this.#ofAll) return this.#functions;
    this.#ofAll = functions;
    const grouped = new Map<string, readonly FunctionTarget[]>();
    for (const [namespace, found] of Map.groupBy(functions, (target) => target.namespace)) {
      const before = this.#functions.get(namespace);
      grouped.set(namespace, before !== undefined && isDeepStrictEqual(before, found) ? before : found);
    }
    this.#functions = grouped;
    return grouped;
  }
}

interface Planned {
  readonly plan: TriggerPlan;
  /** All functions of the namespace that it was made with. */
  readonly functions: readonly FunctionTarget[];
}

function planned(
  before: Planned | undefined,
  kind: TriggerKind,
  object: Trigger,
  functions: readonly FunctionTarget[],
): Planned {
  if (before?.plan.object === object && before.functions === functions) return before;
  const { uid, generation } = object.metadata;
  const known = before?.plan.object.metadata;
  const isSameSpec = generation !== undefined && known?.generation === generation && known.uid === uid;
  if (before !== undefined && isSameSpec && before.functions === functions) {
    return { plan: { ...before.plan, object }, functions };
  }
  return { plan: planTrigger(kind, object, functions), functions };
}
