import { TrigateError } from '../domain/errors.ts';
import { formatProblem, type Problem } from '../standalone/manifests/manifest.ts';
import { type Manifests, type ReadOptions, readManifests } from '../standalone/manifests/read.ts';
import { printable } from '../telemetry/printable.ts';
import { manifestTypes } from './manifest-types.ts';
import type { Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';

/**
 * Reads and checks manifests in files, folders and, for `-`, standard input.
 * @throws TrigateError INVALID_ARGUMENT when no path is given
 */
export async function readManifestFiles(
  terminal: Pick<Terminal, 'readInput'>,
  paths: readonly string[],
  options: Omit<ReadOptions, 'input'> = {},
): Promise<Manifests> {
  if (paths.length === 0) throw new TrigateError('INVALID_ARGUMENT', 'Name a file, a folder or - for standard input.');
  const input = paths.includes('-') ? { input: new TextDecoder().decode(await terminal.readInput()) } : {};
  return readManifests(paths, manifestTypes(), { ...options, ...input });
}

/** A problem for a person: names of files and fields are whatever somebody wrote. */
export const problemLine = (problem: Problem): string => `${printable(formatProblem(problem))}\n`;

/** Says every problem on stderr. @throws TrigateError INVALID_MANIFEST when there is one */
export function refuseProblems({ terminal }: Pick<Shell, 'terminal'>, { problems }: Manifests, verb: string): void {
  if (problems.length === 0) return;
  for (const problem of problems) terminal.stderr.write(problemLine(problem));
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new TrigateError('INVALID_MANIFEST', `${count} in the manifests: nothing was ${verb}.`);
}
