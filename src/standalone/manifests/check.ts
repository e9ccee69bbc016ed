import { z } from 'zod';
import { nearest } from '../../domain/nearest.ts';
import { apiVersionOf, type Issue, type KubernetesObject, type ServedType } from '../../domain/resource.ts';
import { fieldName } from '../../domain/schema.ts';
import { isNamespaceName, metadataIssues } from '../api/names.ts';

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

const must = (what: string) => ({
  error: ({ input }: { input?: unknown }) =>
    input === undefined ? 'is missing' : `must be ${what}, found ${shown(input)}`,
});

const text = z.string(must('a string'));
const texts = z.record(z.string(), text, must('an object of strings'));

const header = z.looseObject(
  {
    apiVersion: text,
    kind: text,
    metadata: z.looseObject(
      { name: text, namespace: text.optional(), labels: texts.optional(), annotations: texts.optional() },
      must('an object with a name'),
    ),
  },
  { error: 'must be an object with apiVersion, kind, metadata and spec' },
);

export type Checked =
  | { readonly type: 'object'; readonly served: ServedType; readonly object: KubernetesObject }
  | { readonly type: 'wrong'; readonly issues: readonly Issue[] }
  /** Of an API group that is none of ours, and not nearly one: `Deployment (apps/v1)`. */
  | { readonly type: 'foreign'; readonly name: string; readonly issues: readonly Issue[] };

/**
 * What a document must have before anything can be said of its spec: a known type, and sound metadata.
 * @param namespace of an object that names none
 */
export function checkHeader(value: unknown, types: readonly ServedType[], namespace = 'default'): Checked {
  const parsed = header.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(asStep), message }));
    return { type: 'wrong', issues };
  }
  const served = types.find((type) => apiVersionOf(type) === parsed.data.apiVersion && type.kind === parsed.data.kind);
  if (served === undefined) return unknownObject(parsed.data, types);
  const object: KubernetesObject = withNamespace(parsed.data as KubernetesObject, served, namespace);
  const issues = [...metadataIssues(served, object.metadata), ...namespaceIssues(object, served)];
  return issues.length > 0 ? { type: 'wrong', issues } : { type: 'object', served, object };
}

/** The end of the line: the field's name and what is wrong with it, or with the whole document. */
export const sentence = ({ path, message }: Issue): string =>
  `${path.length === 0 ? 'The document' : fieldName(path)} ${message}.`;

const asStep = (step: PropertyKey): string | number => (typeof step === 'symbol' ? String(step) : step);

const withNamespace = (object: KubernetesObject, type: ServedType, namespace: string): KubernetesObject =>
  type.namespaced ? { ...object, metadata: { namespace, ...object.metadata } } : object;

function namespaceIssues({ metadata }: KubernetesObject, type: ServedType): Issue[] {
  const path = ['metadata', 'namespace'];
  if (!type.namespaced)
    return metadata.namespace === undefined ? [] : [{ path, message: `must be left out: a ${type.kind} has none` }];
  if (isNamespaceName(metadata.namespace ?? '')) return [];
  return [
    { path, message: `must be at most 63 lower-case letters, digits or "-", found ${shown(metadata.namespace)}` },
  ];
}

function unknownObject(header: { apiVersion: string; kind: string }, types: readonly ServedType[]): Checked {
  const issues = [unknownType(header, types)];
  const [group = ''] = header.apiVersion.split('/');
  const groups = types.map((type) => (type.group === '' ? type.version : type.group));
  if (nearest(group, groups) !== undefined) return { type: 'wrong', issues };
  return { type: 'foreign', name: `${header.kind} (${header.apiVersion})`, issues };
}

function unknownType({ apiVersion, kind }: { apiVersion: string; kind: string }, types: readonly ServedType[]): Issue {
  const kinds = types.filter((type) => apiVersionOf(type) === apiVersion).map((type) => type.kind);
  if (kinds.length > 0) return { path: ['kind'], message: `must be one of ${kinds.join(', ')}, found ${shown(kind)}` };
  const versions = [...new Set(types.map(apiVersionOf))];
  return { path: ['apiVersion'], message: `must be one of ${versions.join(', ')}, found ${shown(apiVersion)}` };
}
