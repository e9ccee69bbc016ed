import { triggerKey } from '../../domain/trigger.ts';
import type { FunctionVerdict, TriggerVerdict } from './verdict.ts';

/** What came of an event, or would, by `kind/namespace/trigger/function`. */
export type Outcomes = ReadonlyMap<string, string>;

export const HEADS = ['TRIGGER', 'FUNCTION', 'SELECTED', 'WHY', 'OUTCOME'];

/** A row for each function of a trigger that listens, one for a trigger that does not. */
export function explanationRows(verdicts: readonly TriggerVerdict[], outcomes: Outcomes): string[][] {
  return withOutcomes(verdicts, outcomes).flatMap(({ trigger, listens, why, functions }) => {
    const name = triggerKey(trigger);
    if (!listens) return [[name, '-', 'no', why, '']];
    if (functions.length === 0) return [[name, '-', 'no', `${why}, and its namespace has no function`, '']];
    return functions.map((each) => [name, each.name, each.selected ? 'yes' : 'no', each.why, each.outcome]);
  });
}

/** Puts beside each verdict what came of it; an outcome of a function that is gone is shown without a verdict. */
export function withOutcomes(verdicts: readonly TriggerVerdict[], outcomes: Outcomes) {
  return verdicts.map((verdict) => {
    const prefix = `${triggerKey(verdict.trigger)}/`;
    const known = new Set(verdict.functions.map((each) => prefix + each.name));
    const gone = [...outcomes.keys()]
      .filter((key) => key.startsWith(prefix) && !known.has(key))
      .map((key): FunctionVerdict => ({ name: key.slice(prefix.length), selected: false, why: 'is not there now' }));
    const functions = [...verdict.functions, ...gone].map((each) => ({
      ...each,
      outcome: outcomes.get(prefix + each.name) ?? (each.selected ? 'none is held' : ''),
    }));
    return { ...verdict, functions };
  });
}
