import type { KubernetesObject, PrinterColumn, ServedType } from '../../domain/resource.ts';
import { humanDuration } from './age.ts';

export interface TableOptions {
  readonly apiVersion: string;
  readonly type: ServedType;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  /** Milliseconds since the epoch: ages are counted from here. */
  readonly now: number;
  /** `metadata` of the list. */
  readonly metadata: object;
}

/** `meta.k8s.io` Table: what `kubectl get` prints, so that columns are the server's business. */
export function renderTable(objects: readonly KubernetesObject[], options: TableOptions): object {
  const { apiVersion, type, metadata } = options;
  return {
    kind: 'Table',
    apiVersion,
    metadata,
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: 'Name of the object', priority: 0 },
      ...type.columns.map(({ name, path, type, wide = false }) => {
        return { name, type, format: '', description: path, priority: Number(wide) };
      }),
    ],
    rows: objects.map((object) => ({
      cells: [object.metadata.name, ...type.columns.map((column) => cell(object, column, options.now))],
      ...(options.includeObject !== 'None' && { object: rowObject(object, options) }),
    })),
  };
}

function rowObject(object: KubernetesObject, { includeObject, apiVersion }: TableOptions): object {
  if (includeObject === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

/** What a column shows of an object; null: nothing. */
export function cell(object: KubernetesObject, column: PrinterColumn, now: number): unknown {
  const value = valueAt(object, column.path);
  switch (column.type) {
    case 'date':
      return typeof value === 'string' ? humanDuration(now - Date.parse(value)) : '<unknown>';
    case 'integer':
      return typeof value === 'number' ? value : null;
    case 'string':
      return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    default:
      return column.type satisfies never;
  }
}

/** `.status.conditions[Ready].status`: the name in brackets picks the element of a list by its `type`. */
export function valueAt(object: KubernetesObject, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.').filter((part) => part !== '')) {
    const [, name = step, type] = /^([^[]+)\[([^\]]+)\]$/.exec(step) ?? [];
    value = member(value, name);
    if (type !== undefined) {
      value = Array.isArray(value) ? value.find((element) => member(element, 'type') === type) : undefined;
    }
  }
  return value;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
