import { TrigateError } from '../domain/errors.ts';
import type { LabelSelector } from '../domain/trigger.ts';
import { labelKeyProblem, labelValueProblem } from './labels.ts';

const ALLOWED = 'key=value, key!=value, key in (a,b), key notin (a,b), key and !key';

/**
 * Reads the text form of a selector, as on command lines and in query strings: `k=v,k2!=v,a in (x,y),!b,c`.
 * Empty text is the empty selector, which matches everything.
 * @throws TrigateError INVALID_ARGUMENT
 */
export function parseSelector(text: string): LabelSelector {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: NonNullable<LabelSelector['matchExpressions']> = [];
  for (const term of terms(text)) {
    const { key, operator, values } = parseTerm(term);
    const problem = labelKeyProblem(key) ?? values.map(labelValueProblem).find((found) => found !== undefined);
    if (problem !== undefined) throw invalid(text, problem);
    const [value = ''] = values;
    if (operator === '=' && (matchLabels[key] ?? value) === value) matchLabels[key] = value;
    // A second, different value for one key: no object can have both, and the selector must go on saying so.
    else if (operator === '=') matchExpressions.push({ key, operator: 'In', values: [value] });
    else if (operator === 'In' || operator === 'NotIn') matchExpressions.push({ key, operator, values });
    else matchExpressions.push({ key, operator });
  }
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  };
}

interface Term {
  readonly key: string;
  readonly operator: '=' | 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: string[];
}

function parseTerm(term: string): Term {
  const set = /^([^\s=!()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set) {
    const [, key = '', operator, values = ''] = set;
    return { key, operator: operator === 'in' ? 'In' : 'NotIn', values: values.split(',').map((v) => v.trim()) };
  }
  const equality = /^([^\s=!()]+)\s*(==?|!=)\s*([^\s=!()]*)$/.exec(term);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    return { key, operator: operator === '!=' ? 'NotIn' : '=', values: [value] };
  }
  const existence = /^(!?)\s*([^\s=!()]+)$/.exec(term);
  if (existence) {
    const [, not, key = ''] = existence;
    return { key, operator: not ? 'DoesNotExist' : 'Exists', values: [] };
  }
  throw new TrigateError('INVALID_ARGUMENT', `The label selector has the term "${term}"; allowed are ${ALLOWED}.`);
}

/** Splits at the commas that are outside of parentheses. */
function terms(text: string): string[] {
  if (text.trim() === '') return [];
  const found: string[] = [];
  let start = 0;
  let depth = 0;
  for (const [i, character] of [...`${text},`].entries()) {
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      found.push([...text].slice(start, i).join('').trim());
      start = i + 1;
    }
  }
  if (depth !== 0) throw invalid(text, 'its parentheses are not balanced');
  if (found.includes('')) throw invalid(text, `a term between commas is empty; allowed are ${ALLOWED}`);
  return found;
}

const invalid = (text: string, problem: string): TrigateError =>
  new TrigateError('INVALID_ARGUMENT', `The label selector "${text}" is invalid: ${problem}.`);
