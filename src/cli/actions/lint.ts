import { TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import type { Problem } from '../../standalone/manifests/manifest.ts';
import { strictIssues } from '../lint/strictness.ts';
import { problemLine, readManifestFiles } from '../manifest-files.ts';
import { manifestTypes } from '../manifest-types.ts';
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
  const types = manifestTypes().map((type) => ({
    ...type,
    validate: (object: KubernetesObject) => [...type.validate(object), ...strictIssues(object)],
  }));
  const manifests = await readManifestFiles(terminal, paths, { passForeign: true, types });
  const findings = manifests.problems.toSorted(byPlace);
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

const byPlace = (a: Problem, b: Problem): number =>
  (a.file < b.file ? -1 : +(a.file > b.file)) || a.line - b.line || a.column - b.column;

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const kindsOf = (foreign: readonly Problem[]): string => [...new Set(foreign.map(({ message }) => message))].join(', ');
