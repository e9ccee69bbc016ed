import type { Issue, KubernetesObject, ServedType } from '../../domain/resource.ts';

const age = { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' } as const;
const core = { group: '', version: 'v1' } as const;

export const namespaceType: ServedType = {
  ...core,
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  validate: () => [],
  columns: [{ name: 'Status', path: '.status.phase', type: 'string' }, age],
};

export const configMapType: ServedType = {
  ...core,
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  validate: (object) => textMapIssues(object, 'data'),
  columns: [age],
};

export const secretType: ServedType = {
  ...core,
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  namespaced: true,
  validate: (object) => [...textMapIssues(object, 'data', isBase64), ...textMapIssues(object, 'stringData')],
  columns: [{ name: 'Type', path: '.type', type: 'string' }, age],
};

/** The part of Kubernetes' core group that is served beside the custom resources. */
export const coreTypes: readonly ServedType[] = [namespaceType, configMapType, secretType];

/** What the server itself puts in: the phase of a namespace, the encoded form of a secret's `stringData`. */
export function completed(type: ServedType, object: KubernetesObject): KubernetesObject {
  if (type === namespaceType) return { ...object, spec: object.spec ?? {}, status: { phase: 'Active' } };
  if (type !== secretType) return object;
  const { stringData, ...rest } = object;
  const secret = { ...rest, type: object.type ?? 'Opaque' };
  if (stringData === undefined) return secret;
  // What is malformed stays as it came, for `validate` to refuse.
  if (!isTextMap(stringData) || !isTextMap(object.data ?? {})) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { ...secret, data: { ...(object.data ?? {}), ...Object.fromEntries(encoded) } };
}

/** The sentences name the key and never the value: it may be a secret. */
function textMapIssues(object: KubernetesObject, field: string, allowed = (_value: string) => true): Issue[] {
  const map = object[field];
  if (map === undefined || map === null) return [];
  if (typeof map !== 'object') return [{ path: [field], message: 'must map names to text' }];
  return Object.entries(map)
    .filter(([, value]) => typeof value !== 'string' || !allowed(value))
    .map(([key]) => ({ path: [field, key], message: `must be text${allowed === isBase64 ? ' in base64' : ''}` }));
}

const isBase64 = (value: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value.replaceAll(/\s/g, ''));

const isTextMap = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
