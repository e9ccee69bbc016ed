import type { Clock } from '../../domain/clock.ts';
import { functionType } from '../../domain/function.ts';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { fieldName } from '../../domain/schema.ts';
import { resourceName } from '../../resources/path.ts';
import { strictIssues } from '../strictness.ts';
import { completed, namespaceType } from './core-types.ts';
import { created, hasStatus, isBeingDeleted, isHeld, markedForDeletion, statusUpdated, updated } from './lifecycle.ts';
import { readManifest } from './manifest.ts';
import { isNamespaceName, metadataIssues } from './names.ts';
import type { ObjectKey, ObjectStore } from './object-store.ts';
import type { Query } from './query.ts';
import { alreadyExists, badRequest, conflict, forbidden, invalid, modified, notFound } from './status.ts';

export interface WriteOptions {
  /** All checks, no effect. */
  readonly dryRun: boolean;
  /** `Strict`, as `kubectl` asks: a field that is not known is refused, unless it is stored already. */
  readonly fieldValidation?: Query['fieldValidation'];
}

/** One object of the API. `namespace` is empty for types without namespaces. */
export interface Place {
  readonly type: ServedType;
  readonly namespace: string;
  readonly name: string;
}

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/**
 * What can be done to objects, and what is checked before. Every verb checks everything first and then makes one write,
 * so a refused request leaves nothing behind. Those that write are called in a transaction of the store. All throw
 * StatusError.
 */
export interface Verbs {
  get(place: Place): KubernetesObject;
  ensureNamespace(name: string): void;
  create(type: ServedType, namespace: string, body: unknown, options: WriteOptions): KubernetesObject;
  /** @param change the new document from the stored one: a body that replaces it, or a patch applied to it */
  update(
    place: Place,
    change: (current: KubernetesObject) => unknown,
    options: WriteOptions & { readonly subresource: 'status' | undefined },
  ): KubernetesObject;
  /** What is left of the object: itself when finalizers hold it, its last state when it is gone. */
  remove(place: Place, preconditions: Preconditions, options: WriteOptions): KubernetesObject;
}

export function createVerbs(store: ObjectStore, clock: Clock): Verbs {
  const keyOf = ({ type, namespace, name }: Place): ObjectKey => ({ resource: resourceName(type), namespace, name });

  function get(place: Place): KubernetesObject {
    const object = store.get(keyOf(place));
    if (object === undefined) throw notFound(place.type, place.name);
    return object;
  }

  /** Namespaces come into being with their first object. */
  function ensureNamespace(name: string): void {
    const key = { resource: resourceName(namespaceType), namespace: '', name };
    if (store.get(key)) return;
    const manifest = readManifest({ metadata: { name } }, { type: namespaceType, namespace: '' });
    store.put(key, completed(namespaceType, created(namespaceType, manifest, clock.now())));
  }

  function put(place: Place, object: KubernetesObject, { dryRun }: WriteOptions): KubernetesObject {
    if (dryRun) return object;
    if (place.type.namespaced) ensureNamespace(place.namespace);
    return store.put(keyOf(place), object);
  }

  function erase(place: Place, object: KubernetesObject, { dryRun }: WriteOptions): KubernetesObject {
    return (dryRun ? undefined : store.remove(keyOf(place))) ?? object;
  }

  /** With its last finalizer an object that is being deleted goes. */
  function write(place: Place, next: KubernetesObject, options: WriteOptions): KubernetesObject {
    return isBeingDeleted(next) && !isHeld(next) ? erase(place, next, options) : put(place, next, options);
  }

  return {
    get,
    ensureNamespace,

    create(type, namespace, body, options) {
      if (type.namespaced && !isNamespaceName(namespace)) {
        throw badRequest(`the namespace must be an RFC 1123 label of at most 63 characters, found "${namespace}"`);
      }
      const manifest = readManifest(body, { type, namespace });
      assertKnown(type, manifest, options);
      if (manifest.metadata.resourceVersion) {
        throw badRequest('metadata.resourceVersion must not be set on an object that is to be created');
      }
      const object = completed(type, created(type, manifest, clock.now()));
      assertValid(type, object);
      const place = { type, namespace, name: object.metadata.name };
      if (store.get(keyOf(place))) throw alreadyExists(type, place.name);
      return put(place, object, options);
    },

    update(place, change, options) {
      const { type, name } = place;
      const current = get(place);
      const wanted = readManifest(change(current), place);
      if (options.subresource === undefined) assertKnown(type, wanted, options, current);
      const { resourceVersion, uid } = wanted.metadata;
      if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
        throw modified(type, name);
      }
      if (resourceVersion === undefined && hasStatus(type)) {
        throw invalid(type, name, [
          { path: ['metadata', 'resourceVersion'], message: 'must be given for an update: read the object first' },
        ]);
      }
      if (uid !== undefined && uid !== current.metadata.uid) {
        throw conflict(type, name, 'it was deleted and created again (another uid)');
      }
      if (options.subresource === 'status') {
        const next = statusUpdated(current, wanted);
        return next === undefined ? current : put(place, next, options);
      }
      const next = updated(type, current, completed(type, wanted));
      if (next === undefined) return current;
      assertValid(type, next);
      assertNoNewFinalizers(type, current, next);
      return write(place, next, options);
    },

    remove(place, preconditions, options) {
      const current = get(place);
      const { uid, resourceVersion } = current.metadata;
      const differs = (wanted: string | undefined, found: string | undefined) =>
        wanted !== undefined && wanted !== found;
      if (differs(preconditions.uid, uid) || differs(preconditions.resourceVersion, resourceVersion)) {
        throw conflict(place.type, place.name, 'a precondition of the deletion does not hold');
      }
      if (place.type === namespaceType) assertRemovable(place.name, store);
      if (!isHeld(current)) return erase(place, current, options);
      return isBeingDeleted(current) ? current : put(place, markedForDeletion(current, clock.now()), options);
    },
  };
}

function assertKnown(
  type: ServedType,
  manifest: KubernetesObject,
  { fieldValidation }: WriteOptions,
  stored?: KubernetesObject,
): void {
  if (fieldValidation !== 'Strict' || type.group !== functionType.group) return;
  const before = new Set(stored && strictIssues(stored).map(({ path }) => fieldName(path)));
  const issue = strictIssues(manifest).find(({ path }) => !before.has(fieldName(path)));
  if (issue !== undefined) throw badRequest(`strict decoding error: ${fieldName(issue.path)} ${issue.message}`);
}

function assertValid(type: ServedType, object: KubernetesObject): void {
  const issues = [...metadataIssues(type, object.metadata), ...type.validate(object)];
  if (issues.length > 0) throw invalid(type, object.metadata.name, issues);
}

function assertNoNewFinalizers(type: ServedType, current: KubernetesObject, next: KubernetesObject): void {
  if (!isBeingDeleted(current)) return;
  const known = current.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return;
  const message = `cannot get "${added.join('", "')}": the object is being deleted`;
  throw invalid(type, next.metadata.name, [{ path: ['metadata', 'finalizers'], message }]);
}

export const DEFAULT_NAMESPACE = 'default';

/** Nothing here empties a namespace in the background, so only an empty one can go. */
function assertRemovable(name: string, store: ObjectStore): void {
  if (name === DEFAULT_NAMESPACE)
    throw forbidden(`namespaces "${name}" is forbidden: this namespace may not be deleted`);
  if (store.isUsed(name)) throw conflict(namespaceType, name, 'it still holds objects; delete them first');
}
