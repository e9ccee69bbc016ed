import { TrigateError } from '../../domain/errors.ts';
import { Scanner } from './scanner.ts';

/** One step of a path. What has no such member, or is not a list where one is needed, has no next value. */
export type Step =
  | { readonly type: 'field'; readonly name: string }
  /** All members or elements. */
  | { readonly type: 'all' }
  /** The value itself and all that is below it. */
  | { readonly type: 'deep' }
  | { readonly type: 'slice'; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly type: 'index'; readonly at: number }
  | { readonly type: 'union'; readonly steps: readonly Step[] }
  | { readonly type: 'filter'; readonly left: Operand; readonly test: Test | undefined };

export interface Test {
  readonly operator: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly right: Operand;
}

export type Operand = Path | { readonly type: 'value'; readonly value: string | number | boolean | null };

export interface Path {
  readonly type: 'path';
  readonly from: 'root' | 'current';
  readonly steps: readonly Step[];
}

export type Part =
  | { readonly type: 'text'; readonly text: string }
  | Path
  | { readonly type: 'range'; readonly over: Path; readonly body: readonly Part[] };

/**
 * Reads a JSONPath template as kubectl has it: text, and in braces paths, literals, and `range … end`. A path without
 * braces is taken for one in braces.
 * @throws TrigateError INVALID_ARGUMENT
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export function parseTemplate(text: string): readonly Part[] {
  const scanner = new Scanner(text.includes('{') ? text : `{${text.startsWith('.') || text === '' ? '' : '.'}${text}}`);
  return parseParts(scanner, false);
}

function parseParts(scanner: Scanner, inRange: boolean): Part[] {
  const parts: Part[] = [];
  while (!scanner.atEnd()) {
    const text = scanner.until('{');
    if (text !== '') parts.push({ type: 'text', text });
    if (scanner.atEnd()) break;
    scanner.expect('{');
    scanner.skipSpace();
    if (scanner.takeWord('end')) {
      scanner.expect('}');
      if (!inRange) throw scanner.error('{end} has no {range}');
      return parts;
    }
    parts.push(...parseBraces(scanner));
  }
  if (inRange) throw scanner.error('{range} has no {end}');
  return parts;
}

function parseBraces(scanner: Scanner): Part[] {
  if (scanner.takeWord('range')) {
    scanner.skipSpace();
    const over = parsePath(scanner);
    scanner.expect('}');
    return [{ type: 'range', over, body: parseParts(scanner, true) }];
  }
  const parts: Part[] = [];
  for (scanner.skipSpace(); !scanner.take('}'); scanner.skipSpace()) {
    const quoted = scanner.quoted();
    parts.push(quoted === undefined ? parsePath(scanner) : { type: 'text', text: quoted });
  }
  return parts;
}

function parsePath(scanner: Scanner): Path {
  const start = scanner.position;
  const from = scanner.take('$') ? 'root' : 'current';
  scanner.take('@');
  const steps: Step[] = [];
  for (;;) {
    if (scanner.take('..')) steps.push({ type: 'deep' }, ...(scanner.peek('[') ? [] : [parseName(scanner)]));
    else if (scanner.take('.')) {
      if (scanner.isName()) steps.push(parseName(scanner));
    } else if (scanner.take('[')) steps.push(parseBracket(scanner));
    else if (steps.length === 0 && scanner.isName()) steps.push(parseName(scanner));
    else break;
  }
  // A lone dot, "$" or "@" is the whole document.
  if (scanner.position === start) throw scanner.error('a path is missing');
  return { type: 'path', from, steps };
}

function parseName(scanner: Scanner): Step {
  if (scanner.take('*')) return { type: 'all' };
  return { type: 'field', name: scanner.name() };
}

function parseBracket(scanner: Scanner): Step {
  if (scanner.take('?(')) {
    const filter = parseFilter(scanner);
    scanner.expect(')');
    scanner.expect(']');
    return filter;
  }
  const steps: Step[] = [];
  do {
    scanner.skipSpace();
    steps.push(parseElement(scanner));
    scanner.skipSpace();
  } while (scanner.take(','));
  scanner.expect(']');
  const [only] = steps;
  return steps.length === 1 && only !== undefined ? only : { type: 'union', steps };
}

function parseElement(scanner: Scanner): Step {
  if (scanner.take('*')) return { type: 'all' };
  const name = scanner.quoted();
  if (name !== undefined) return { type: 'field', name };
  const from = scanner.integer();
  if (!scanner.take(':')) {
    if (from === undefined) throw scanner.error('a number, a name in quotes or "*" must stand in the brackets');
    return { type: 'index', at: from };
  }
  const to = scanner.integer();
  const by = scanner.take(':') ? (scanner.integer() ?? 1) : 1;
  if (by < 1) throw scanner.error('the step of a slice must be at least 1');
  return { type: 'slice', from, to, by };
}

const OPERATORS = ['==', '!=', '<=', '>=', '<', '>'] as const;

function parseFilter(scanner: Scanner): Step {
  const left = parseOperand(scanner);
  scanner.skipSpace();
  const operator = OPERATORS.find((each) => scanner.take(each));
  if (operator === undefined) return { type: 'filter', left, test: undefined };
  scanner.skipSpace();
  const right = parseOperand(scanner);
  scanner.skipSpace();
  return { type: 'filter', left, test: { operator, right } };
}

function parseOperand(scanner: Scanner): Operand {
  scanner.skipSpace();
  const quoted = scanner.quoted();
  if (quoted !== undefined) return { type: 'value', value: quoted };
  const number = scanner.number();
  if (number !== undefined) return { type: 'value', value: number };
  for (const value of [true, false, null]) if (scanner.takeWord(String(value))) return { type: 'value', value };
  return parsePath(scanner);
}

/** The template that `-o jsonpath=…` gives. @throws TrigateError INVALID_ARGUMENT */
export function requireTemplate(text: string): readonly Part[] {
  if (text !== '') return parseTemplate(text);
  throw new TrigateError(
    'INVALID_ARGUMENT',
    'The output jsonpath needs a template, such as jsonpath={.metadata.name}.',
  );
}
