import { isDeepStrictEqual } from 'node:util';
import { TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import { resourceName } from '../../resources/path.ts';
import { describeObject, type Manifest } from '../../standalone/manifests/manifest.ts';
import { mergeApplied, withLastApplied } from '../applied.ts';
import { dryRunSuffix } from '../dry-run.ts';
import { readManifestFiles, refuseProblems } from '../manifest-files.ts';
import type { DryRun } from '../options.ts';
import { checkFormat, formatObject } from '../output.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import type { Session } from '../shell.ts';
import { tryEach } from '../try-each.ts';

export interface ApplyFlags {
  readonly filename: readonly string[];
  readonly namespace?: string | undefined;
  readonly dryRun: DryRun;
  readonly output?: string | undefined;
}

type Done = 'created' | 'configured' | 'unchanged';

/**
 * Makes the stored objects what manifests say, and prints one line for each. Nothing is written while one of the
 * manifests has a problem.
 * @throws TrigateError INVALID_MANIFEST when one has; the server's, when it refused one
 */
export async function applyFiles(session: Session, flags: ApplyFlags): Promise<void> {
  const form = flags.output === undefined ? undefined : checkFormat(flags.output);
  const manifests = await readManifestFiles(session.terminal, flags.filename, { namespace: session.namespace });
  refuseProblems(session, manifests, 'applied');
  for (const manifest of manifests.objects) checkNamespace(manifest, flags.namespace);

  const apply = async (manifest: Manifest) => {
    const { done, object } = await applyOne(session, manifest, flags.dryRun);
    const line = `${lineOf(manifest)} ${done}${dryRunSuffix(flags.dryRun)}\n`;
    session.terminal.stdout.write(form === undefined ? line : await formatObject(object, form));
  };
  const refused = await tryEach(session.messages, manifests.objects, apply, {
    verb: 'applied',
    refusal: ({ object }, { message }) => `${describeObject(object)} was refused: ${message}`,
  });
  if (refused !== undefined) throw refused;
}

function checkNamespace({ object }: Manifest, given: string | undefined): void {
  const found = object.metadata.namespace;
  if (!given || found === undefined || found === given) return;
  const text = `${describeObject(object)} is of another namespace than --namespace ${given}: leave one of them out.`;
  throw new TrigateError('INVALID_ARGUMENT', text);
}

const lineOf = ({ type, object }: Manifest): string =>
  `${resourceName({ ...type, plural: type.singular })}/${object.metadata.name}`;

async function applyOne(
  { resources }: Session,
  { type, object: wanted }: Manifest,
  dryRun: DryRun,
): Promise<{ readonly done: Done; readonly object: KubernetesObject }> {
  const { name, namespace } = wanted.metadata;
  const options = { dryRun: dryRun === 'server' };
  const work = async () => {
    const stored = await resources.get<KubernetesObject>(type, namespace, name).catch(absent);
    const next = stored === undefined ? withLastApplied(wanted) : mergeApplied(stored, wanted);
    if (stored !== undefined && isDeepStrictEqual(stored, next)) return { done: 'unchanged' as const, object: stored };
    const done = stored === undefined ? ('created' as const) : ('configured' as const);
    if (dryRun === 'client') return { done, object: next };
    const object = await (stored === undefined
      ? resources.create<KubernetesObject>(type, next, options)
      : resources.replace<KubernetesObject>(type, next, options));
    return { done, object };
  };
  return retryConflicts(work, ['CONFLICT', 'ALREADY_EXISTS']);
}

function absent(error: unknown): undefined {
  if (error instanceof TrigateError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
