import { TrigateError } from '../domain/errors.ts';

const TRIES = 10;

/**
 * Reads, changes and writes again when somebody else wrote in between: a controller that writes the status of a trigger
 * must not make a person repeat a command; what runs functions writes theirs
 * often while one starts.
 * @param work from reading on
 */
export async function retryConflicts<T>(work: () => Promise<T>, codes: readonly string[] = ['CONFLICT']): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TrigateError && codes.includes(error.code)) || tries === TRIES) throw error;
    }
  }
}
