import type { KubernetesObject } from '../domain/resource.ts';

/** `namespace/name`, or `/name` for a type without namespaces. */
export const objectKey = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** The copy that a follower keeps. */
export interface ObjectCache<T extends KubernetesObject> {
  readonly objects: ReadonlyMap<string, T>;
  /** Takes a whole list: what it lacks is gone. Says whether anything changed. */
  replaceAll(items: readonly T[]): boolean;
  /** Takes one event. Says whether anything changed. */
  apply(event: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): boolean;
}

export function createObjectCache<T extends KubernetesObject>(): ObjectCache<T> {
  const objects = new Map<string, T>();

  function store(key: string, object: T): boolean {
    const known = objects.get(key)?.metadata;
    const { uid, resourceVersion } = object.metadata;
    if (known && known.uid === uid && known.resourceVersion === resourceVersion) return false;
    objects.set(key, object);
    return true;
  }

  return {
    objects,
    replaceAll(items) {
      const keys = new Set(items.map(objectKey));
      let changed = false;
      for (const key of [...objects.keys()]) {
        if (!keys.has(key)) changed = objects.delete(key) || changed;
      }
      for (const item of items) changed = store(objectKey(item), item) || changed;
      return changed;
    },
    apply(event, object) {
      return event === 'DELETED' ? objects.delete(objectKey(object)) : store(objectKey(object), object);
    },
  };
}
