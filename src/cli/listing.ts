import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { ObjectPage, Scope } from '../resources/resources.ts';
import { checkNamespace } from './names.ts';
import { type Form, formatObject, isForm, type Output, readOutput } from './output.ts';
import { parsedSelector } from './selector-flag.ts';
import type { Session } from './shell.ts';
import { formatRow, widthsOf } from './table.ts';
import { watchObjects } from './watching.ts';

/** Flags of every command that lists objects. */
export interface ListFlags {
  readonly allNamespaces?: boolean | undefined;
  readonly selector?: string | undefined;
  readonly output?: string | undefined;
  /** False: `--no-headers`. */
  readonly headers?: boolean | undefined;
  readonly watch?: boolean | undefined;
}

export interface ListColumn {
  readonly head: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  /** @param now milliseconds since the epoch */
  cell(object: KubernetesObject, now: number): string;
}

/** What is listed. */
export interface Listed {
  /** In the plural, for people: `Kafka triggers`. */
  readonly title: string;
  readonly type: ResourceType;
  readonly columns: readonly ListColumn[];
  /** Of those that the flags select only these. Default: all. */
  readonly names?: readonly string[];
  /** Of json and yaml. Default: a list. */
  readonly shape?: Shape;
}

export const nameColumn: ListColumn = { head: 'NAME', cell: ({ metadata }) => metadata.name };
export const namespaceColumn: ListColumn = { head: 'NAMESPACE', cell: ({ metadata }) => metadata.namespace ?? '' };

/**
 * Prints the objects of a type on stdout, sorted by namespace and name; with `--watch` also each that changes, until the
 * person stops it. That there are none is said on stderr.
 * @throws TrigateError INVALID_ARGUMENT before anybody is asked
 */
export async function listObjects(session: Session, listed: Listed, flags: ListFlags): Promise<void> {
  const { namespace, terminal, messages } = session;
  const output = readOutput(flags.output);
  const scope = listScope(namespace, listed.type, flags);
  const isMeant = ({ metadata }: KubernetesObject) => listed.names?.includes(metadata.name) ?? true;
  const { items: all, resourceVersion } = await listAll(session, listed.type, scope);
  const items = all.filter(isMeant);
  // What a path or a name is read from is a list, whatever the documents look like.
  const shape = output.type === 'json' || output.type === 'yaml' ? listed.shape : 'list';
  const print = await printObjects(session, listed.columns, output, flags, items, shape);
  if (items.length === 0) messages.info(`No ${listed.title} found in ${placeOf(scope)}.`);
  if (flags.watch !== true) return;
  const options = { ...scope, resourceVersion, signal: terminal.signal };
  await watchObjects(session.resources, listed.type, options, async (object) => {
    if (isMeant(object)) await print(object);
  });
}

const placeOf = ({ namespace, labelSelector }: Scope): string =>
  `${namespace === undefined ? 'any namespace' : `namespace ${namespace}`}${labelSelector ? ` with ${labelSelector}` : ''}`;

/** @throws TrigateError INVALID_ARGUMENT */
export function listScope(namespace: string, type: Pick<ResourceType, 'namespaced'>, flags: ListFlags): Scope {
  const labelSelector = flags.selector === undefined ? {} : { labelSelector: parsedSelector(flags.selector) };
  if (!type.namespaced || flags.allNamespaces === true) return labelSelector;
  checkNamespace(namespace);
  return { namespace, ...labelSelector };
}

const PAGE = 500;

/** All pages, sorted. */
export async function listAll(
  { resources }: Pick<Session, 'resources'>,
  type: ResourceType,
  scope: Scope,
): Promise<{ readonly items: readonly KubernetesObject[]; readonly resourceVersion: string }> {
  const items: KubernetesObject[] = [];
  let page: ObjectPage<KubernetesObject> | undefined;
  do {
    page = await resources.list(type, { ...scope, limit: PAGE, continue: page?.continue });
    items.push(...page.items);
  } while (page.continue !== undefined);
  return { items: items.sort(byName), resourceVersion: page.resourceVersion };
}

/** The same for a type that the server may not have: then there are none. */
export async function listIfServed(
  session: Pick<Session, 'resources'>,
  type: ResourceType,
  scope: Scope,
): Promise<readonly KubernetesObject[]> {
  try {
    return (await listAll(session, type, scope)).items;
  } catch (error) {
    if (error instanceof TrigateError && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}

const byName = (a: KubernetesObject, b: KubernetesObject): number => {
  const [left, right] = [a, b].map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
  return left === right || left === undefined || right === undefined ? 0 : left < right ? -1 : 1;
};

type Print = (object: KubernetesObject) => Promise<void>;

/** What json, yaml and the like make of objects: a `List`, an array, or the one that was asked for by its name. */
export type Shape = 'list' | 'array' | 'single';

/** Prints objects, and gives what prints one more of them in the same way. */
export async function printObjects(
  session: Pick<Session, 'terminal'>,
  columns: readonly ListColumn[],
  output: Output,
  { headers = true, watch = false }: ListFlags,
  items: readonly KubernetesObject[],
  shape: Shape = 'list',
): Promise<Print> {
  const { stdout, clock } = session.terminal;
  if (isForm(output)) {
    const shown = items.map(withoutManagedFields);
    // One document after the other: a list that goes on has no end.
    if (watch) for (const item of shown) stdout.write(await document(item, output));
    else stdout.write(await formatObject(shaped(shown, shape), output));
    return async (object) => void stdout.write(await document(withoutManagedFields(object), output));
  }
  const shown = columns.filter(({ wide }) => wide !== true || output.type === 'wide');
  const row = (object: KubernetesObject) => shown.map((column) => column.cell(object, clock.now()));
  const rows = [...(headers ? [shown.map(({ head }) => head)] : []), ...items.map(row)];
  const widths = widthsOf(rows);
  for (const cells of rows) stdout.write(formatRow(cells, widths));
  return async (object) => void stdout.write(formatRow(row(object), widths));
}

function shaped(items: readonly KubernetesObject[], shape: Shape): unknown {
  switch (shape) {
    case 'list':
      return { apiVersion: 'v1', kind: 'List', items };
    case 'array':
      return items;
    case 'single':
      return items[0];
    default:
      return shape satisfies never;
  }
}

/** What the server notes for itself, as kubectl leaves it out. */
function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

async function document(object: KubernetesObject, form: Form): Promise<string> {
  const text = await formatObject(object, form);
  switch (form.type) {
    case 'yaml':
      return `---\n${text}`;
    case 'jsonpath':
      return `${text}\n`;
    case 'json':
    case 'name':
      return text;
    default:
      return form satisfies never;
  }
}
