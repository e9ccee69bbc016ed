import { TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { resourceName } from '../../resources/path.ts';
import { dryRunSuffix } from '../dry-run.ts';
import { readWanted } from '../kind-names.ts';
import { listAll, listScope } from '../listing.ts';
import { readManifestFiles, refuseProblems } from '../manifest-files.ts';
import { manifestTypes } from '../manifest-types.ts';
import { checkNamespace } from '../names.ts';
import type { DryRun } from '../options.ts';
import type { Session } from '../shell.ts';
import { tryEach } from '../try-each.ts';

export interface DeleteFlags {
  readonly filename: readonly string[];
  readonly selector?: string | undefined;
  readonly all: boolean;
  readonly allNamespaces?: boolean | undefined;
  readonly ignoreNotFound: boolean;
  readonly dryRun: DryRun;
}

interface Doomed {
  readonly type: ServedType;
  readonly namespace: string | undefined;
  readonly name: string;
}

/**
 * Deletes objects by name, by label, or those of manifests; prints one line for each. One that cannot be deleted keeps
 * nobody from the others.
 * @throws TrigateError the server's, when it refused one
 */
export async function deleteObjects(session: Session, args: readonly string[], flags: DeleteFlags): Promise<void> {
  const doomed = await (flags.filename.length > 0
    ? ofManifests(session, args, flags)
    : ofArguments(session, args, flags));
  if (doomed.length === 0) session.messages.info('No objects found.');
  const refused = await tryEach(session.messages, doomed, (one) => remove(session, one, flags), { verb: 'deleted' });
  if (refused !== undefined) throw refused;
}

async function ofManifests(session: Session, args: readonly string[], flags: DeleteFlags): Promise<Doomed[]> {
  if (args.length > 0) throw new TrigateError('INVALID_ARGUMENT', 'Kinds and names cannot stand beside --filename.');
  // What is wrong with a spec does not keep the object from being deleted.
  const options = { namespace: session.namespace, namesOnly: true };
  const manifests = await readManifestFiles(session.terminal, flags.filename, options);
  refuseProblems(session, manifests, 'deleted');
  return manifests.objects.map(({ type, object }) => doomedOf(type, object));
}

async function ofArguments(session: Session, args: readonly string[], flags: DeleteFlags): Promise<Doomed[]> {
  const doomed: Doomed[] = [];
  for (const { types, names } of readWanted(args, manifestTypes())) {
    if (names.length > 0) checkNamespace(session.namespace);
    else if (!flags.all && flags.selector === undefined) {
      throw new TrigateError('INVALID_ARGUMENT', 'Name the objects, or give --selector or --all.');
    }
    for (const type of types) {
      const namespace = type.namespaced ? session.namespace : undefined;
      if (names.length > 0) doomed.push(...names.map((name) => ({ type, namespace, name })));
      else {
        const { items } = await listAll(session, type, listScope(session.namespace, type, flags));
        doomed.push(...items.map((object) => doomedOf(type, object)));
      }
    }
  }
  return doomed;
}

const doomedOf = (type: ServedType, { metadata }: KubernetesObject): Doomed => ({
  type,
  namespace: metadata.namespace,
  name: metadata.name,
});

async function remove(session: Session, { type, namespace, name }: Doomed, flags: DeleteFlags): Promise<void> {
  const { resources, terminal } = session;
  try {
    if (flags.dryRun === 'client') await resources.get(type, namespace, name);
    else await resources.delete(type, namespace, name, { dryRun: flags.dryRun === 'server' });
  } catch (error) {
    if (flags.ignoreNotFound && error instanceof TrigateError && error.code === 'NOT_FOUND') return;
    throw error;
  }
  const kind = resourceName({ ...type, plural: type.singular });
  terminal.stdout.write(`${kind} ${JSON.stringify(name)} deleted${dryRunSuffix(flags.dryRun)}\n`);
}
