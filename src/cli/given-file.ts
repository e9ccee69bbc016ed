import { readFile } from 'node:fs/promises';
import { asError, TrigateError } from '../domain/errors.ts';

/**
 * The bytes of a file that a flag names.
 * @param allowed what the flag may name, in words
 * @throws TrigateError INVALID_ARGUMENT
 */
export async function readGivenFile(flag: string, path: string, allowed = 'a file that can be read'): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const error = asError(thrown);
    const reason = 'code' in error ? String(error.code) : error.message;
    const text = `${flag} must name ${allowed}, found ${JSON.stringify(path)} (${reason}).`;
    throw new TrigateError('INVALID_ARGUMENT', text);
  }
}
