import { isDeepStrictEqual } from 'node:util';
import type { FunctionTarget } from '../domain/function.ts';
import type { TriggerKind } from '../domain/kind.ts';
import { type Trigger, triggerKey } from '../domain/trigger.ts';
import { planTrigger, type TriggerPlan, triggerOf } from './reconcile.ts';

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
  #planned = new Map<string, Planned>();
  #ofAll: readonly FunctionTarget[] = NONE;
  #functions = new Map<string, readonly FunctionTarget[]>();

  get plans(): readonly TriggerPlan[] {
    return [...this.#planned.values()].map(({ plan }) => plan);
  }

  /** @param key of `triggerKey` */
  planOf(key: string): TriggerPlan | undefined {
    return this.#planned.get(key)?.plan;
  }

  /**
   * Takes over an object of which nothing but status and the like has changed.
   * @returns its plan; undefined when all have to be planned
   */
  refresh(kind: TriggerKind, object: Trigger): TriggerPlan | undefined {
    const key = triggerKey(triggerOf(kind, object));
    const before = this.#planned.get(key);
    if (before === undefined || !isSameSpec(before.plan.object, object)) return undefined;
    const plan = { ...before.plan, object };
    this.#planned.set(key, { ...before, plan });
    return plan;
  }

  /** @returns the plan of before, the very same, where nothing about a trigger and its functions has changed */
  plan(triggers: readonly TriggersOfKind[], functions: readonly FunctionTarget[]): readonly TriggerPlan[] {
    const byNamespace = this.#grouped(functions);
    const next = new Map<string, Planned>();
    for (const { kind, objects } of triggers) {
      for (const object of objects) {
        if (object.metadata.deletionTimestamp !== undefined) continue;
        const trigger = triggerOf(kind, object);
        const key = triggerKey(trigger);
        next.set(key, planned(this.#planned.get(key), kind, object, byNamespace.get(trigger.namespace) ?? NONE));
      }
    }
    this.#planned = next;
    return this.plans;
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
  if (before?.functions === functions && isSameSpec(before.plan.object, object)) {
    return { plan: { ...before.plan, object }, functions };
  }
  return { plan: planTrigger(kind, object, functions), functions };
}

function isSameSpec({ metadata: before }: Trigger, { metadata: now }: Trigger): boolean {
  const isSame = now.generation !== undefined && before.generation === now.generation && before.uid === now.uid;
  return isSame && now.deletionTimestamp === undefined;
}
