import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { asError, TrigateError } from '../domain/errors.ts';

/**
 * Makes the folder, for its owner alone, and those above it that are missing.
 * @throws TrigateError INVALID_CONFIG
 */
export function makeDataDir(dir: string): void {
  try {
    makeFolder(resolve(dir));
  } catch (thrown) {
    const text = `The data directory ${dir} cannot be made: ${asError(thrown).message}. ${ANOTHER}`;
    throw new TrigateError('INVALID_CONFIG', text, { cause: thrown });
  }
}

/**
 * Opens a file of it.
 * @throws TrigateError what `open` says, or INVALID_CONFIG
 */
export function openIn<T>(dir: string, file: string, open: (path: string) => T): T {
  const path = join(dir, file);
  try {
    return open(path);
  } catch (thrown) {
    if (thrown instanceof TrigateError) throw thrown;
    const text = `${path} cannot be opened: ${asError(thrown).message}. ${ANOTHER}`;
    throw new TrigateError('INVALID_CONFIG', text, { cause: thrown });
  }
}

const ANOTHER = 'Mend it, or choose another directory with --data-dir or TRIGATE_DATA_DIR.';

/** Level by level: `recursive` never ends where a level cannot be made and its file system says ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw thrown;
  }
}

function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw new Error('it is a file');
  return found !== undefined;
}
