import { functionType } from '../../../domain/function.ts';
import type { KubernetesObject } from '../../../domain/resource.ts';
import { type ListColumn, type ListFlags, listObjects, listScope, nameColumn, namespaceColumn } from '../../listing.ts';
import type { Session } from '../../shell.ts';
import { named } from '../trigger.ts';
import { type ShownFunction, shownDependencies, shownFunction } from './shown.ts';
import { functionStates } from './state.ts';

/** @param names default: all */
export async function listFunctions(session: Session, names: readonly string[], flags: ListFlags): Promise<void> {
  const { namespace } = listScope(session.namespace, functionType, { allNamespaces: flags.allNamespaces });
  for (const name of namespace === undefined ? [] : names) {
    await named(`Error listing function ${name}: `, () => session.resources.get(functionType, namespace, name));
  }
  const states = await functionStates(session, { namespace });
  const columns = [
    nameColumn,
    namespaceColumn,
    column('HANDLER', ({ handler }) => handler),
    column('RUNTIME', ({ runtime }) => runtime),
    column('DEPENDENCIES', shownDependencies),
    { head: 'STATUS', cell: states.of },
    column('MEMORY', ({ memory = '' }) => memory, true),
    column('ENV', shownEnvironment, true),
    { head: 'LABEL', wide: true, cell: shownLabels },
  ];
  const only = names.length > 0 ? { names } : {};
  await listObjects(session, { title: 'functions', type: functionType, columns, shape: 'array', ...only }, flags);
}

const column = (head: string, cell: (shown: ShownFunction) => string, wide = false): ListColumn => ({
  head,
  wide,
  cell: (object) => cell(shownFunction(object)),
});

const shownEnvironment = ({ environment = [] }: ShownFunction): string =>
  environment.map(({ name, value = '' }) => `${name} = ${value}`).join(', ');

const shownLabels = ({ metadata: { labels = {} } }: KubernetesObject): string =>
  Object.entries(labels)
    .sort()
    .map(([name, value]) => `${name} : ${value}`)
    .join(', ');
