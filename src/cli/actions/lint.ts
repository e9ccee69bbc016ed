import { TrigateError } from '../../domain/errors.ts';
import type { Problem } from '../../standalone/manifests/manifest.ts';
import { problemLine, readManifestFiles } from '../manifest-files.ts';
import { jsonText, readOutput } from '../output.ts';
import type { Shell } from '../shell.ts';

/**
 * Prints what is wrong with manifests, asking nobody: `file:line:column: sentence`.
 * @throws TrigateError INVALID_MANIFEST when something is
 */
export async function lintManifests(
  { terminal, messages }: Shell,
  paths: readonly string[],
  output: string | undefined,
): Promise<void> {
  const form = readOutput(output, ['json']);
  const manifests = await readManifestFiles(terminal, paths, { passForeign: true });
  const findings = manifests.problems;
  if (form.type === 'json') terminal.stdout.write(`${jsonText(findings, 2)}\n`);
  else for (const finding of findings) terminal.stdout.write(problemLine(finding));

  const passed = manifests.foreign.length;
  if (passed > 0)
    messages.info(`${countOf(passed, 'object')} of other kinds passed by: ${kindsOf(manifests.foreign)}.`);
  const sound = `${countOf(manifests.objects.length, 'object')} checked`;
  if (findings.length > 0) {
    throw new TrigateError('INVALID_MANIFEST', `${countOf(findings.length, 'problem')} found, ${sound}.`);
  }
  messages.info(`No problems found, ${sound}.`);
}

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const kindsOf = (foreign: readonly Problem[]): string => [...new Set(foreign.map(({ message }) => message))].join(', ');
