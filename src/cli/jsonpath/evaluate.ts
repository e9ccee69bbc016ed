import type { Operand, Part, Path, Step, Test } from './template.ts';

/** What a template makes of a document: results of one path with spaces between them, as kubectl prints them. */
export function fillTemplate(parts: readonly Part[], document: unknown): string {
  return fill(parts, document, document);
}

function fill(parts: readonly Part[], root: unknown, current: unknown): string {
  return parts.map((part) => fillPart(part, root, current)).join('');
}

function fillPart(part: Part, root: unknown, current: unknown): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'path':
      return valuesAt(part, root, current).map(shown).join(' ');
    case 'range':
      return valuesAt(part.over, root, current)
        .map((value) => fill(part.body, root, value))
        .join('');
    default:
      return part satisfies never;
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function valuesAt({ from, steps }: Path, root: unknown, current: unknown): unknown[] {
  let values = [from === 'root' ? root : current];
  for (const step of steps) values = values.flatMap((value) => next(step, value, root));
  return values;
}

function next(step: Step, value: unknown, root: unknown): unknown[] {
  switch (step.type) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'all':
      return children(value);
    case 'deep':
      return [value, ...children(value).flatMap((child) => next(step, child, root))];
    case 'index':
      return Array.isArray(value) ? value.slice(step.at, step.at === -1 ? undefined : step.at + 1) : [];
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to).filter((_, i) => i % step.by === 0) : [];
    case 'union':
      return step.steps.flatMap((each) => next(each, value, root));
    case 'filter':
      return (Array.isArray(value) ? value : []).filter((element) => passes(step, root, element));
    default:
      return step satisfies never;
  }
}

function passes({ left, test }: Extract<Step, { type: 'filter' }>, root: unknown, element: unknown): boolean {
  const [found] = operandValues(left, root, element);
  if (test === undefined) return found !== undefined;
  const [other] = operandValues(test.right, root, element);
  return found !== undefined && other !== undefined && holds(test.operator, found, other);
}

const operandValues = (operand: Operand, root: unknown, element: unknown): unknown[] =>
  operand.type === 'value' ? [operand.value] : valuesAt(operand, root, element);

function holds(operator: Test['operator'], left: unknown, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left === 'number' && typeof right === 'number') return ordered(operator, left - right);
  return (
    typeof left === 'string' && typeof right === 'string' && ordered(operator, left < right ? -1 : +(left > right))
  );
}

function ordered(operator: '<' | '<=' | '>' | '>=', difference: number): boolean {
  switch (operator) {
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
    default:
      return operator satisfies never;
  }
}

const children = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
