import { TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject, PrinterColumn, ServedType } from '../../domain/resource.ts';
import { resourceName } from '../../resources/path.ts';
import { cell } from '../../standalone/api/table.ts';
import { readWanted } from '../kind-names.ts';
import {
  type ListColumn,
  type ListFlags,
  listIfServed,
  listObjects,
  listScope,
  nameColumn,
  namespaceColumn,
  printObjects,
} from '../listing.ts';
import { manifestTypes } from '../manifest-types.ts';
import { checkNamespace } from '../names.ts';
import { isForm, type Output, readOutput } from '../output.ts';
import type { Session } from '../shell.ts';
import { tryEach } from '../try-each.ts';

/** Prints objects as `kubectl get` does, with the columns that the kinds declare. */
export async function getObjects(session: Session, args: readonly string[], flags: ListFlags): Promise<void> {
  const wanted = readWanted(args, manifestTypes());
  const [first] = wanted;
  const [type] = first?.types ?? [];
  if (first === undefined || type === undefined) return;
  if (first.names.length > 0) return getNamed(session, wanted.flatMap(pairs), flags);
  if (first.types.length === 1) {
    return listObjects(session, { title: type.plural, type, columns: columnsOf(type, flags, false) }, flags);
  }
  await getTypes(session, first.types, flags);
}

interface Named {
  readonly type: ServedType;
  readonly name: string;
}

const pairs = ({ types, names }: { readonly types: readonly ServedType[]; readonly names: readonly string[] }) =>
  types.flatMap((type) => names.map((name) => ({ type, name })));

async function getNamed(session: Session, named: readonly Named[], flags: ListFlags): Promise<void> {
  const output = readOutput(flags.output);
  checkNamespace(session.namespace);
  if (flags.watch === true || flags.allNamespaces === true || flags.selector !== undefined) {
    throw new TrigateError('INVALID_ARGUMENT', 'A name cannot stand beside --watch, --all-namespaces or --selector.');
  }
  const found: KubernetesObject[] = [];
  const read = async ({ type, name }: Named) => {
    found.push(await session.resources.get(type, type.namespaced ? session.namespace : undefined, name));
  };
  const refused = await tryEach(session.messages, named, read, { verb: 'found' });
  if (found.length > 0 || named.length > 1) await printNamed(session, named, output, flags, found);
  if (refused !== undefined) throw refused;
}

/** One document is printed as itself only when one was asked for: a script knows which form it gets. */
async function printNamed(
  session: Session,
  named: readonly Named[],
  output: Output,
  flags: ListFlags,
  found: readonly KubernetesObject[],
): Promise<void> {
  if (isForm(output)) {
    await printObjects(session, [], output, flags, found, named.length === 1 ? 'single' : 'list');
    return;
  }
  for (const [kind, items] of Map.groupBy(found, (object) => object.kind)) {
    const type = named.find((each) => each.type.kind === kind)?.type;
    if (type !== undefined) await printObjects(session, columnsOf(type, flags, false), output, flags, items);
  }
}

/** One table for each type, or one list of all. */
async function getTypes(session: Session, types: readonly ServedType[], flags: ListFlags): Promise<void> {
  const output = readOutput(flags.output);
  if (flags.watch === true) throw new TrigateError('INVALID_ARGUMENT', '--watch needs one kind.');
  const lists: { type: ServedType; items: readonly KubernetesObject[] }[] = [];
  for (const type of types) {
    lists.push({ type, items: await listIfServed(session, type, listScope(session.namespace, type, flags)) });
  }
  const items = lists.flatMap((list) => list.items);
  if (isForm(output)) return void (await printObjects(session, [], output, flags, items));
  if (items.length === 0) session.messages.info('No objects found.');
  const filled = lists.filter((list) => list.items.length > 0);
  for (const [i, list] of filled.entries()) {
    if (i > 0) session.terminal.stdout.write('\n');
    await printObjects(session, columnsOf(list.type, flags, true), output, flags, list.items);
  }
}

function columnsOf(type: ServedType, { allNamespaces = false }: ListFlags, withKind: boolean): readonly ListColumn[] {
  const name: ListColumn = withKind
    ? { head: 'NAME', cell: ({ metadata }) => `${resourceName({ ...type, plural: type.singular })}/${metadata.name}` }
    : nameColumn;
  return [...(allNamespaces ? [namespaceColumn] : []), name, ...type.columns.map(ofPrinter)];
}

const ofPrinter = (column: PrinterColumn): ListColumn => ({
  head: column.name.toUpperCase(),
  wide: column.wide ?? false,
  cell: (object, now) => String(cell(object, column, now) ?? ''),
});
