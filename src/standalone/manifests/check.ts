import { z } from 'zod';
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
  | { readonly type: 'wrong'; readonly issues: readonly Issue[] };

/** What a document must have before anything can be said of its spec: a known type, and sound metadata. */
export function checkHeader(value: unknown, types: readonly ServedType[]): Checked {
  const parsed = header.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(asStep), message }));
    return { type: 'wrong', issues };
  }
  const served = types.find((type) => apiVersionOf(type) === parsed.data.apiVersion && type.kind === parsed.data.kind);
  if (served === undefined) return { type: 'wrong', issues: [unknownType(parsed.data, types)] };
  const object: KubernetesObject = withNamespace(parsed.data as KubernetesObject, served);
  const issues = [...metadataIssues(served, object.metadata), ...namespaceIssues(object, served)];
  return issues.length > 0 ? { type: 'wrong', issues } : { type: 'object', served, object };
}

/** The end of the line: the field's name and what is wrong with it, or with the whole document. */
export const sentence = ({ path, message }: Issue): string =>
  `${path.length === 0 ? 'The document' : fieldName(path)} ${message}.`;

const asStep = (step: PropertyKey): string | number => (typeof step === 'symbol' ? String(step) : step);

const withNamespace = (object: KubernetesObject, type: ServedType): KubernetesObject =>
  type.namespaced
    ? { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' } }
    : object;

function namespaceIssues({ metadata }: KubernetesObject, type: ServedType): Issue[] {
  const path = ['metadata', 'namespace'];
  if (!type.namespaced)
    return metadata.namespace === undefined ? [] : [{ path, message: `must be left out: a ${type.kind} has none` }];
  if (isNamespaceName(metadata.namespace ?? '')) return [];
  return [
    { path, message: `must be at most 63 lower-case letters, digits or "-", found ${shown(metadata.namespace)}` },
  ];
}

function unknownType({ apiVersion, kind }: { apiVersion: string; kind: string }, types: readonly ServedType[]): Issue {
  const kinds = types.filter((type) => apiVersionOf(type) === apiVersion).map((type) => type.kind);
  if (kinds.length > 0) return { path: ['kind'], message: `must be one of ${kinds.join(', ')}, found ${shown(kind)}` };
  const versions = [...new Set(types.map(apiVersionOf))];
  return { path: ['apiVersion'], message: `must be one of ${versions.join(', ')}, found ${shown(apiVersion)}` };
}
