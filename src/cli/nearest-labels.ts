import type { FunctionTarget } from '../domain/function.ts';
import { editDistance } from '../domain/nearest.ts';
import type { LabelSelector } from '../domain/trigger.ts';
import { matches, selectorQuery } from '../resources/selector.ts';

type Labelled = Pick<FunctionTarget, 'name' | 'labels'>;
type Labels = Labelled['labels'];

export interface Near {
  readonly name: string;
  /** What stands in the way: the label that nearly is what is asked for, or `not zone=eu`. */
  readonly label: string;
}

const SHOWN = 3;

/** The functions that come nearest to a selector which selects none of them: most terms satisfied, then fewest letters. */
export function nearestLabels(selector: LabelSelector, found: readonly Labelled[]): readonly Near[] {
  const terms = termsOf(selector);
  const all = found.flatMap(({ name, labels }) => {
    const missed = terms.filter((term) => !matches(term, labels));
    const satisfied = terms.length - missed.length;
    const [best] = missed.map((term) => nearestLabel(term, labels)).toSorted((a, b) => a.distance - b.distance);
    return best !== undefined && (satisfied > 0 || best.isNear) ? [{ name, satisfied, ...best }] : [];
  });
  return all.toSorted((a, b) => b.satisfied - a.satisfied || a.distance - b.distance).slice(0, SHOWN);
}

/** The terms of a selector, each as a selector of its own. */
function termsOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector): LabelSelector[] {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => ({ matchLabels: { [key]: value } })),
    ...matchExpressions.map((expression) => ({ matchExpressions: [expression] })),
  ];
}

/** Of all labels the one that is nearest to satisfying the term. */
function nearestLabel(term: LabelSelector, labels: Labels) {
  const [best] = wantedLabels(term)
    .flatMap(({ key, value }) =>
      Object.entries(labels).map(([itsKey, itsValue]) => ({
        label: `${itsKey}=${itsValue}`,
        distance: editDistance(key, itsKey) + (value === undefined ? 0 : editDistance(value, itsValue)),
        isNear: isNear(key, itsKey) && (value === undefined || isNear(value, itsValue)),
      })),
    )
    .toSorted((a, b) => +b.isNear - +a.isNear || a.distance - b.distance);
  if (best?.isNear) return best;
  return { label: `not ${selectorQuery(term)}`, distance: Number.MAX_SAFE_INTEGER, isNear: false };
}

const isNear = (wanted: string, found: string): boolean =>
  editDistance(wanted, found) <= Math.max(1, Math.ceil(wanted.length / 3));

/** The labels that would satisfy a term; of some any value would. */
function wantedLabels({ matchLabels = {}, matchExpressions = [] }: LabelSelector) {
  const equal = Object.entries(matchLabels).map(([key, value]) => ({ key, value }));
  const sets = matchExpressions.flatMap(({ key, operator, values = [] }): { key: string; value?: string }[] => {
    switch (operator) {
      case 'In':
        return values.map((value) => ({ key, value }));
      case 'Exists':
        return [{ key }];
      case 'NotIn':
      case 'DoesNotExist':
        return [];
      default:
        return operator satisfies never;
    }
  });
  return [...equal, ...sets];
}
