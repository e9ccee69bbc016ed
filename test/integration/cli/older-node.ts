import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The search path without what npm puts before it: the machine's own programs. */
export const machinePath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

/** The machine's own Node.js, when it is too old to run the program itself. */
export function olderNode(): string | undefined {
  const node = machinePath
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .find(existsSync);
  if (node === undefined) return undefined;
  const [, major = 0, minor = 0] = /^v(\d+)\.(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(major) < 22 || (Number(major) === 22 && Number(minor) < 19) ? node : undefined;
}
