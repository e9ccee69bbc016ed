import { type TriggerName, triggerKey } from '../../domain/trigger.ts';
import type { EventRow } from '../event-lines.ts';
import type { TriggerVerdict } from './verdict.ts';

/** The triggers that an event went through and that nobody has now. */
export function goneTriggers(rows: readonly EventRow[], verdicts: readonly TriggerVerdict[]): TriggerVerdict[] {
  const known = new Set(verdicts.map(({ trigger }) => triggerKey(trigger)));
  const gone = new Map(rows.map((row) => [triggerKey(triggerOf(row)), row]));
  return [...gone].flatMap(([key, row]) => (known.has(key) ? [] : [wentThrough(row, rows, 'is not there now')]));
}

/** Of a trigger that would not listen now there are only the functions that the event went to. */
export function wentThrough(row: EventRow, rows: readonly EventRow[], why: string): TriggerVerdict {
  const trigger = triggerOf(row);
  const ofTrigger = rows.filter((each) => triggerKey(triggerOf(each)) === triggerKey(trigger));
  const names = new Set(ofTrigger.flatMap(({ functions }) => functions.map(({ name }) => name)));
  return { trigger, listens: true, why, functions: [...names].map((name) => ({ name, selected: false, why })) };
}

export const triggerOf = ({ kind, namespace, trigger: name }: EventRow): TriggerName => ({ kind, namespace, name });
