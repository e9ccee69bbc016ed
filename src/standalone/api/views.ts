import type { KubernetesObject, ResourceType, ServedType } from '../../domain/resource.ts';
import { resourceName } from '../../resources/path.ts';
import type { Change } from './change-ring.ts';
import type { ObjectStore } from './object-store.ts';

/** A type whose objects are not stored: each follows from an object of another type, and can only be read. */
export interface View {
  readonly type: ServedType;
  /** What its objects follow from. */
  readonly of: ResourceType;
  /** In the namespace of the other one; undefined: there is none for it. */
  derive(object: KubernetesObject): KubernetesObject | undefined;
}

/** The store, and the views beside what is stored: read, listed and watched like everything else. */
export function withViews(store: ObjectStore, views: readonly View[]): ObjectStore {
  const byResource = new Map(views.map((view) => [resourceName(view.type), view]));
  const byOrigin = Map.groupBy(views, (view) => resourceName(view.of));

  const listView = (view: View, namespace?: string, version?: number) =>
    store.list(resourceName(view.of), namespace, version).flatMap((object) => view.derive(object) ?? []);

  const withDerived = (change: Change): Change[] => [
    change,
    ...(byOrigin.get(change.resource) ?? []).flatMap((view) => derivedChange(view, change) ?? []),
  ];

  return {
    get version() {
      return store.version;
    },
    get(key) {
      const view = byResource.get(key.resource);
      if (view === undefined) return store.get(key);
      return listView(view, key.namespace).find(({ metadata }) => metadata.name === key.name);
    },
    list(resource, namespace, version) {
      const view = byResource.get(resource);
      return view === undefined ? store.list(resource, namespace, version) : listView(view, namespace, version);
    },
    isUsed: store.isUsed,
    transact: store.transact,
    close: store.close,
    put: store.put,
    remove: store.remove,
    since: (version) => store.since(version).flatMap(withDerived),
    subscribe: (listener) =>
      store.subscribe((change) => {
        for (const each of withDerived(change)) listener(each);
      }),
  };
}

function derivedChange({ type, derive }: View, change: Change): Change | undefined {
  const previous = change.previous && derive(change.previous);
  const now = change.type === 'DELETED' ? undefined : derive(change.object);
  const object = now ?? (previous && { ...previous, metadata: { ...previous.metadata, ...versionOf(change) } });
  if (object === undefined) return undefined;
  const kind = now === undefined ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
  return { type: kind, resource: resourceName(type), version: change.version, object, previous };
}

const versionOf = ({ version }: Change) => ({ resourceVersion: String(version) });
