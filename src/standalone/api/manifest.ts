import { z } from 'zod';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { apiVersionOf } from '../../domain/resource.ts';
import { fieldName } from '../../domain/schema.ts';
import { generatedName } from './names.ts';
import { badRequest } from './status.ts';

const text = z.string('must be text').exactOptional();
const texts = z.record(z.string(), z.string('must be text'), 'must map names to text').exactOptional();

const metadata = z.looseObject(
  {
    name: text,
    generateName: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    labels: texts,
    annotations: texts,
    finalizers: z.array(z.string('must be text'), 'must be a list of names').exactOptional(),
  },
  'must be an object',
);

const manifest = z.looseObject({ metadata }, 'must be an object');

/** What the request says about the object: the type by its path, the namespace too, the name only for one object. */
export interface Expected {
  readonly type: ServedType;
  readonly namespace: string;
  readonly name?: string | undefined;
}

/**
 * A request body as an object of the API. It says the same type, namespace and name as the path, or nothing about them.
 * @throws StatusError 400
 */
export function readManifest(body: unknown, { type, namespace, name }: Expected): KubernetesObject {
  const parsed = manifest.safeParse(withoutNulls(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length
      ? fieldName(issue.path.map((step) => (typeof step === 'number' ? step : String(step))))
      : 'the body';
    throw badRequest(`${where} ${issue?.message ?? 'is invalid'}`);
  }
  const { metadata, ...rest } = parsed.data;
  // Who owns which field is not tracked here.
  const { generateName, namespace: givenNamespace, managedFields: _, ...given } = metadata;
  const found = name ?? metadata.name ?? (generateName && generatedName(generateName));
  if (!found) throw badRequest('metadata.name is missing: name or generateName is required');
  assertSame('apiVersion', rest.apiVersion, apiVersionOf(type));
  assertSame('kind', rest.kind, type.kind);
  assertSame('metadata.name', metadata.name, found);
  if (type.namespaced) assertSame('metadata.namespace', givenNamespace || undefined, namespace);
  return {
    ...rest,
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {
      ...given,
      ...(generateName && metadata.name === undefined && { generateName }),
      ...(type.namespaced && { namespace }),
      name: found,
    },
  };
}

function assertSame(field: string, found: unknown, wanted: string): void {
  if (found === undefined || found === wanted) return;
  throw badRequest(`${field} must be "${wanted}" as in the path of the request, found ${JSON.stringify(found)}`);
}

/** Go clients write null for what they leave out: `creationTimestamp: null`. */
function withoutNulls(body: unknown): unknown {
  if (!isObject(body)) return body;
  const top = dropNulls(body);
  return isObject(top.metadata) ? { ...top, metadata: dropNulls(top.metadata) } : top;
}

const dropNulls = (object: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
