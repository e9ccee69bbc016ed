import type { ServedType } from '../../domain/resource.ts';
import { apiVersionOf } from '../../domain/resource.ts';
import { resourcePath } from '../../resources/path.ts';
import { hasStatus } from './lifecycle.ts';
import { patchTypes } from './patch.ts';

/**
 * As much of OpenAPI as `kubectl` asks for. That PATCH takes `fieldValidation` tells it that the server validates, so it
 * needs no schemas of its own for `create` and `apply`; the media types of PATCH tell `apply` which patch to send.
 */
export function openapiDocuments(types: readonly ServedType[]): ReadonlyMap<string, object> {
  const roots = Map.groupBy(types, (type) => resourcePath(type).split('/').slice(1, -1).join('/'));
  const index = Object.fromEntries(
    [...roots.keys()].map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }]),
  );
  return new Map<string, object>([
    ['/openapi/v3', { paths: index }],
    ...[...roots].map(([root, served]) => [`/openapi/v3/${root}`, openapi3(served)] as const),
    [
      '/openapi/v2',
      {
        swagger: '2.0',
        info,
        paths: {},
        definitions: Object.fromEntries(types.map((type) => [schemaName(type), schema(type)])),
      },
    ],
  ]);
}

const info = { title: 'Trigate', version: 'v1' };

function openapi3(types: readonly ServedType[]): object {
  return {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(types.flatMap(paths)),
    components: { schemas: Object.fromEntries(types.map((type) => [schemaName(type), schema(type)])) },
  };
}

function paths(type: ServedType): [string, object][] {
  const at = (name?: '{name}', subresource?: 'status') =>
    decodeURIComponent(resourcePath(type, type.namespaced ? '{namespace}' : undefined, name, subresource));
  const operation = (action: string, mediaTypes?: readonly string[]) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(type),
    parameters: mediaTypes ? ['dryRun', 'fieldManager', 'fieldValidation'].map(queryParameter) : [],
    ...(mediaTypes && {
      requestBody: { content: Object.fromEntries(mediaTypes.map((name) => [name, { schema: reference(type) }])) },
    }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: reference(type) } } } },
  });
  const body = ['application/json', 'application/yaml'];
  const one = {
    get: operation('get'),
    put: operation('put', body),
    patch: operation('patch', patchTypes),
  };
  return [
    [at(), { get: operation('list'), post: operation('post', body) }],
    [at('{name}'), { ...one, delete: operation('delete') }],
    ...(hasStatus(type) ? [[at('{name}', 'status'), one] satisfies [string, object]] : []),
  ];
}

const queryParameter = (name: string) => ({ name, in: 'query', schema: { type: 'string' } });
const gvk = ({ group, version, kind }: ServedType) => ({ group, version, kind });
const schemaName = ({ group, version, kind }: ServedType): string =>
  [...(group || 'k8s.io.api.core').split('.').reverse(), version, kind].join('.');
const reference = (type: ServedType) => ({ $ref: `#/components/schemas/${schemaName(type)}` });

/** What fields a spec has is checked by the server, sentence by sentence; here it is told for people. */
function schema(type: ServedType): object {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const { description = `${type.kind} of ${apiVersionOf(type)}`, required, properties } = type.schema ?? {};
  return {
    type: 'object',
    description,
    ...(required && { required }),
    'x-kubernetes-group-version-kind': [gvk(type)],
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {
      apiVersion: { type: 'string', description: 'Group and version of the API.' },
      kind: { type: 'string', description: 'What sort of object it is.' },
      metadata: { ...open, description: 'Name, namespace, labels and the like.' },
      ...(properties ?? (hasStatus(type) && { spec: open, status: open })),
    },
  };
}
