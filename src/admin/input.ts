import type { z } from 'zod';
import { TrigateError } from '../domain/errors.ts';
import { fieldName } from '../domain/schema.ts';

/**
 * Parses what a request brought. The first thing that is wrong becomes one sentence: field, what is allowed, what was found.
 * Throws INVALID_ARGUMENT.
 * @param subject names the whole in a sentence: `the query`
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, subject: string): T {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new TrigateError(
    'INVALID_ARGUMENT',
    issue === undefined ? `${subject} is not valid.` : sentence(issue, subject),
  );
}

function sentence(issue: z.core.$ZodIssue, subject: string): string {
  if (issue.code === 'unrecognized_keys')
    return `${subject} does not know ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}.`;
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input).slice(0, 60);
  return `${path.length === 0 ? subject : fieldName(path)} ${issue.message}, found ${found}.`;
}
