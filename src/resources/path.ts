import type { ResourceType } from '../domain/resource.ts';

/** `functions.kubeless.io`, or `configmaps` in the core group: names a type of resource in sentences and keys. */
export const resourceName = (type: Pick<ResourceType, 'group' | 'plural'>): string =>
  type.group === '' ? type.plural : `${type.plural}.${type.group}`;

/** Where the API serves a type: all of it, one namespace, one object, or a subresource of it. */
export function resourcePath(
  type: Pick<ResourceType, 'group' | 'version' | 'plural' | 'namespaced'>,
  namespace?: string,
  name?: string,
  subresource?: 'status',
): string {
  const root = type.group === '' ? ['api', type.version] : ['apis', type.group, type.version];
  const scope = type.namespaced && namespace !== undefined ? ['namespaces', namespace] : [];
  const steps = [...root, ...scope, type.plural, name, subresource];
  return `/${steps
    .filter((step) => step !== undefined)
    .map(encodeURIComponent)
    .join('/')}`;
}
