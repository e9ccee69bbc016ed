import type { ServedType } from '../../domain/resource.ts';

/** What the path of a request means. */
export type Target =
  | { readonly type: 'collection'; readonly resource: ServedType; readonly namespace: string | undefined }
  | {
      readonly type: 'object';
      readonly resource: ServedType;
      /** Empty for a resource without namespaces. */
      readonly namespace: string;
      readonly name: string;
      readonly subresource: 'status' | undefined;
    };

/**
 * `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/status` and its shorter forms; undefined when nothing is served there.
 * @param path as it came, still encoded: an encoded slash in a name separates nothing
 */
export function parseTarget(path: string, types: readonly ServedType[]): Target | undefined {
  const steps = path.split('/').slice(1).map(decode);
  const [root, ...rest] = steps;
  const [group, version, ...place] = root === 'api' ? ['', ...rest] : rest;
  const find = (plural: string | undefined) =>
    types.find((type) => type.group === group && type.version === version && type.plural === plural);

  const [, namespace, ...inNamespace] = place;
  const namespaced = find(inNamespace[0]);
  if (place[0] === 'namespaces' && namespaced?.namespaced && namespace) {
    return targetIn(namespaced, namespace, inNamespace.slice(1));
  }
  const resource = find(place[0]);
  if (resource === undefined) return undefined;
  if (!resource.namespaced) return targetIn(resource, '', place.slice(1));
  return place.length === 1 ? { type: 'collection', resource, namespace: undefined } : undefined;
}

function targetIn(resource: ServedType, namespace: string, steps: readonly string[]): Target | undefined {
  const [name, subresource, ...more] = steps;
  if (name === undefined) {
    return { type: 'collection', resource, namespace: resource.namespaced ? namespace : undefined };
  }
  if (name === '' || more.length > 0 || !(subresource === undefined || subresource === 'status')) return undefined;
  return { type: 'object', resource, namespace, name, subresource };
}

/** A step that is not well encoded is empty: it names nothing. */
function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return '';
  }
}
