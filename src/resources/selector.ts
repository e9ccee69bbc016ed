import type { Issue } from '../domain/resource.ts';
import type { LabelSelector } from '../domain/trigger.ts';
import { labelKeyProblem, labelValueProblem } from './labels.ts';

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];
type Labels = Readonly<Record<string, string>>;

/** Whether labels satisfy every term of a selector. An empty selector matches everything. */
export function matches(selector: LabelSelector, labels: Labels | undefined = {}): boolean {
  const found = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => found(key) === value) &&
    (selector.matchExpressions ?? []).every((expression) => holds(expression, found(expression.key)))
  );
}

function holds({ operator, values = [] }: Expression, found: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return found !== undefined && values.includes(found);
    case 'NotIn':
      return found === undefined || !values.includes(found);
    case 'Exists':
      return found !== undefined;
    case 'DoesNotExist':
      return found === undefined;
    default:
      return operator satisfies never;
  }
}

/** The selector as `kubectl` shows it; `<none>` for an empty one. */
export const formatSelector = (selector: LabelSelector): string => selectorQuery(selector) || '<none>';

/** The selector as a `labelSelector` query parameter; empty for an empty one. `parseSelector` reads it back. */
export function selectorQuery(selector: LabelSelector): string {
  const equalities = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    text: `${key}=${value}`,
  }));
  const expressions = (selector.matchExpressions ?? []).map((expression) => ({
    key: expression.key,
    text: expressionText(expression),
  }));
  return [...equalities, ...expressions]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ text }) => text)
    .join(',');
}

function expressionText({ key, operator, values = [] }: Expression): string {
  const list = `(${values.toSorted().join(',')})`;
  switch (operator) {
    case 'In':
      return `${key} in ${list}`;
    case 'NotIn':
      return `${key} notin ${list}`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return operator satisfies never;
  }
}

/** What is wrong with the keys, operators and values of a selector that has the right shape. */
export function selectorIssues(selector: LabelSelector, path: Issue['path'] = []): Issue[] {
  const issues: Issue[] = [];
  const report = (problem: string | undefined, ...steps: Issue['path']) => {
    if (problem !== undefined) issues.push({ path: [...path, ...steps], message: `is invalid: ${problem}` });
  };
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    report(labelKeyProblem(key) ?? labelValueProblem(value), 'matchLabels', key);
  }
  for (const [i, expression] of (selector.matchExpressions ?? []).entries()) {
    report(expressionProblem(expression), 'matchExpressions', i);
  }
  return issues;
}

function expressionProblem({ key, operator, values = [] }: Expression): string | undefined {
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues && values.length === 0) return `the operator ${operator} needs at least one value`;
  if (!takesValues && values.length > 0) return `the operator ${operator} takes no values`;
  return labelKeyProblem(key) ?? values.map(labelValueProblem).find((problem) => problem !== undefined);
}
