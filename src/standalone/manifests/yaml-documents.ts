import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { asError } from '../../domain/errors.ts';
import type { Issue } from '../../domain/resource.ts';
import type { Position } from './manifest.ts';

/** One document of a YAML stream, or a JSON text. */
export type YamlDocument =
  | {
      readonly type: 'value';
      readonly value: unknown;
      /** Where a field stands, or the nearest parent that exists. */
      locate(path: Issue['path']): Position;
    }
  | { readonly type: 'broken'; readonly position: Position; readonly message: string };

/** Empty documents are left out. Never throws. */
export function readDocuments(text: string): YamlDocument[] {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  // YAML 1.2 is a superset of JSON; `<<` is YAML 1.1, and what kubectl reads.
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true });
  if ('empty' in documents) return [];
  return documents.flatMap((document) => readDocument(document, at) ?? []);
}

function readDocument(
  document: Document.Parsed,
  at: (offset: number) => Position,
): YamlDocument | readonly YamlDocument[] | undefined {
  const [error] = document.errors;
  if (error) return { type: 'broken', position: at(error.pos[0]), message: `The YAML is broken: ${error.message}` };
  const start = document.contents?.range[0] ?? 0;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) return undefined;
    const locate = (path: Issue['path']) => at(offsetOf(document, path));
    return (
      itemsOf(value)?.map((item, i) => ({
        type: 'value' as const,
        value: item,
        locate: (path: Issue['path']) => locate(['items', i, ...path]),
      })) ?? { type: 'value', value, locate }
    );
  } catch (error) {
    return { type: 'broken', position: at(start), message: `The YAML is broken: ${asError(error).message}` };
  }
}

/** `kubectl get -o yaml` puts objects into a list of that form. */
function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('items' in value)) return undefined;
  return String(value.kind).endsWith('List') && Array.isArray(value.items) ? value.items : undefined;
}

/** A field's place is its key's; an element's place is its own. */
function offsetOf(document: Document.Parsed, path: Issue['path']): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const found = child(isAlias(node) ? node.resolve(document) : node, step);
    if (found === undefined) return offset;
    offset = startOf(found.place) ?? offset;
    node = found.value;
  }
  return offset;
}

function child(node: unknown, step: string | number): { place: unknown; value: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    return pair && { place: pair.key, value: pair.value };
  }
  if (isSeq(node) && typeof step === 'number' && step in node.items) {
    return { place: node.items[step], value: node.items[step] };
  }
  return undefined;
}

const startOf = (node: unknown): number | undefined => (node as Node | null)?.range?.[0];
