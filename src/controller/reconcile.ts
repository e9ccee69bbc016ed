import type { FunctionTarget } from '../domain/function.ts';
import type { Selection, Subscription, TriggerKind } from '../domain/kind.ts';
import type { Issue, KubernetesObject } from '../domain/resource.ts';
import { specIssues } from '../domain/schema.ts';
import { type Trigger, type TriggerName, type TriggerSpec, triggerKey } from '../domain/trigger.ts';
import { matches, selectorIssues } from '../resources/selector.ts';

/** A subscription that should run. */
export interface Desired {
  /** The group: at most one subscription of a key runs at a time. */
  readonly key: string;
  /** Changes when the subscription has to be opened anew. */
  readonly version: string;
  readonly kind: TriggerKind;
  readonly subscription: Subscription;
  /** Where its functions live now. A change of these does not open anything anew. */
  readonly targets: readonly FunctionTarget[];
}

/** What a trigger asks for, worked out against the functions of its namespace. */
export interface TriggerPlan {
  readonly trigger: TriggerName;
  readonly object: Trigger;
  readonly issues: readonly Issue[];
  /** Undefined when the trigger is not valid. */
  readonly selection: Selection | undefined;
  /** Names of the functions that the selector matches, sorted. */
  readonly functions: readonly string[];
  readonly subscriptions: readonly Desired[];
}

/** All that is wrong with a trigger: by its schema, and in its selector. */
export function triggerIssues(kind: Pick<TriggerKind, 'spec'>, object: KubernetesObject): Issue[] {
  const issues = specIssues(kind.spec, object);
  if (issues.length > 0) return issues;
  return selectorIssues(kind.spec.parse(object.spec).functionSelector, ['spec', 'functionSelector']);
}

const selectionOf = (kind: TriggerKind, spec: TriggerSpec): Selection =>
  kind.selects?.(spec) ?? { type: 'labels', selector: spec.functionSelector };

function selects(selection: Selection, target: FunctionTarget): boolean {
  switch (selection.type) {
    case 'labels':
      return matches(selection.selector, target.labels);
    case 'name':
      return target.name === selection.name;
    default:
      return selection satisfies never;
  }
}

export function triggerOf(kind: Pick<TriggerKind, 'name'>, { metadata }: KubernetesObject): TriggerName {
  return { kind: kind.name, namespace: metadata.namespace ?? 'default', name: metadata.name };
}

/** Pure: what should run, for one trigger and the functions that exist. Only functions of its own namespace match. */
export function planTrigger(kind: TriggerKind, object: Trigger, functions: readonly FunctionTarget[]): TriggerPlan {
  const { uid = '' } = object.metadata;
  const trigger = triggerOf(kind, object);
  const { namespace } = trigger;
  const issues = triggerIssues(kind, object);
  if (issues.length > 0) return { trigger, object, issues, selection: undefined, functions: [], subscriptions: [] };
  const spec = kind.spec.parse(object.spec);
  const selection = selectionOf(kind, spec);
  const targets = functions
    .filter((target) => target.namespace === namespace && selects(selection, target))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    trigger,
    object,
    issues,
    selection,
    functions: targets.map((target) => target.name),
    subscriptions: groups(spec, targets).map((group) =>
      desired(kind, { ...trigger, uid }, spec, group, object.status?.functions),
    ),
  };
}

function groups(spec: TriggerSpec, targets: readonly FunctionTarget[]): (readonly FunctionTarget[])[] {
  if (targets.length === 0) return [];
  return spec.fanout === 'shared' ? [targets] : targets.map((target) => [target]);
}

function desired(
  kind: TriggerKind,
  trigger: Subscription['trigger'],
  spec: TriggerSpec,
  targets: readonly FunctionTarget[],
  selectedBefore: readonly string[] | undefined,
): Desired {
  const functions = targets.map((target) => target.name);
  const { fanout } = spec;
  // Those of a shared group come and go without moving its position.
  const isJoining = fanout === 'isolated' && selectedBefore?.includes(functions[0] ?? '') === false;
  const group = fanout === 'shared' ? '*' : functions[0];
  return {
    key: `${triggerKey(trigger)}/${group}`,
    // Without the selector: which functions it selects is what counts.
    version: JSON.stringify([{ ...spec, functionSelector: {} }, functions, targets.map((target) => target.timeout)]),
    kind,
    subscription: {
      trigger,
      spec,
      fanout,
      functions,
      isJoining,
      functionTimeout: Math.max(...targets.map(({ timeout }) => timeout)),
    },
    targets,
  };
}
