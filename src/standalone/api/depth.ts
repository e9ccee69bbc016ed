import { badRequest } from './status.ts';

/** What merges, compares and writes objects calls itself for each level. */
const MOST_LEVELS = 200;

/** @throws StatusError 400 */
export function assertNotTooDeep(document: unknown, name: string): void {
  if (isDeeper(document, MOST_LEVELS))
    throw badRequest(`${name} must not be nested more than ${MOST_LEVELS} levels deep`);
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)));
