import { asError, TrigateError } from '../domain/errors.ts';
import type { LabelSelector } from '../domain/trigger.ts';
import { parseSelector } from '../resources/parse-selector.ts';
import { selectorQuery } from '../resources/selector.ts';

/** @throws TrigateError INVALID_ARGUMENT */
export function readSelector(text: string): LabelSelector {
  try {
    return parseSelector(text);
  } catch (thrown) {
    throw new TrigateError('INVALID_ARGUMENT', `Invalid label selector specified: ${asError(thrown).message}`);
  }
}

/** What `-l` says, as the API takes it. @throws TrigateError INVALID_ARGUMENT */
export const parsedSelector = (text: string): string => selectorQuery(readSelector(text));
