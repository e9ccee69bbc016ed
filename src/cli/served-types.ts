import { triggerIssues } from '../controller/reconcile.ts';
import { functionResource } from '../domain/function.ts';
import type { TriggerKind } from '../domain/kind.ts';
import type { PrinterColumn, ServedType } from '../domain/resource.ts';

/** The resource types of a standalone gateway: functions, the triggers of its kinds, and what these keep beside them. */
export function servedTypes(kinds: readonly TriggerKind[]): readonly ServedType[] {
  return [functionResource, ...kinds.map(triggerType), ...kinds.flatMap(({ keeps = [] }) => keeps)];
}

function triggerType(kind: TriggerKind): ServedType {
  return {
    ...kind.resource,
    validate: (object) => triggerIssues(kind, object),
    columns: triggerColumns(kind.columns),
  };
}

/**
 * What lists show of a trigger.
 * @param ofSpec what they show of its spec; default: the topic, and how far behind it is
 */
export function triggerColumns(ofSpec: readonly PrinterColumn[] = topicColumns): readonly PrinterColumn[] {
  return [
    ...ofSpec,
    { name: 'Ready', path: '.status.conditions[Ready].status', type: 'string' },
    { name: 'Reason', path: '.status.conditions[Ready].reason', type: 'string' },
    ...(ofSpec === topicColumns ? [lagColumn] : []),
    { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
  ];
}

const topicColumns: readonly PrinterColumn[] = [{ name: 'Topic', path: '.spec.topic', type: 'string' }];
const lagColumn: PrinterColumn = { name: 'Lag', path: '.status.progress.lag', type: 'integer', wide: true };
