import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ObjectMeta, ResourceType } from '../../domain/resource.ts';

/**
 * What writes do to an object, as Kubernetes has it. Pure, but for the uid.
 *
 * An object is made with a uid, a time and generation 1. Writes of the object leave its status, writes of its status leave
 * everything else; the generation counts changes of what is neither metadata nor status. An object with finalizers is not
 * removed when it is deleted: it gets a deletion time, and goes with its last finalizer.
 */

/** Custom resources have a status of their own, behind `/status`; of the core types here only what the server sets. */
export const hasStatus = (type: ResourceType): boolean => type.group !== '';

export function created(type: ResourceType, wanted: KubernetesObject, now: number): KubernetesObject {
  const { status: _, ...rest } = wanted;
  const { deletionTimestamp: __, ...metadata } = wanted.metadata;
  return {
    ...(hasStatus(type) ? rest : wanted),
    metadata: {
      ...metadata,
      uid: randomUUID(),
      creationTimestamp: timestamp(now),
      generation: 1,
    },
  };
}

/** The object itself is written. Undefined when that changes nothing. */
export function updated(
  type: ResourceType,
  current: KubernetesObject,
  wanted: KubernetesObject,
): KubernetesObject | undefined {
  const next: KubernetesObject = { ...wanted, metadata: { ...wanted.metadata, ...fixed(current.metadata) } };
  if (hasStatus(type)) keepStatus(next, current);
  if (!isDeepStrictEqual(content(next), content(current))) {
    next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  }
  return isDeepStrictEqual(next, current) ? undefined : next;
}

/** Only the status is written. Undefined when that changes nothing. */
export function statusUpdated(current: KubernetesObject, wanted: KubernetesObject): KubernetesObject | undefined {
  const next = { ...current };
  keepStatus(next, wanted);
  return isDeepStrictEqual(next, current) ? undefined : next;
}

export const markedForDeletion = (current: KubernetesObject, now: number): KubernetesObject => ({
  ...current,
  metadata: { ...current.metadata, deletionTimestamp: timestamp(now), deletionGracePeriodSeconds: 0 },
});

export const isHeld = ({ metadata }: KubernetesObject): boolean => (metadata.finalizers?.length ?? 0) > 0;
export const isBeingDeleted = ({ metadata }: KubernetesObject): boolean => metadata.deletionTimestamp !== undefined;

function keepStatus(next: KubernetesObject, from: KubernetesObject): void {
  if ('status' in from) next.status = from.status;
  else delete next.status;
}

/** What a writer cannot change. */
function fixed(metadata: ObjectMeta): Partial<ObjectMeta> {
  const names = ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'generateName'] as const;
  const deletion = ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const;
  return Object.fromEntries(
    [...names, ...deletion].filter((name) => metadata[name] !== undefined).map((name) => [name, metadata[name]]),
  );
}

function content(object: KubernetesObject): object {
  const { metadata: _, status: __, apiVersion: ___, kind: ____, ...rest } = object;
  return rest;
}

/** RFC 3339 without fractions, as in `metav1.Time`. */
export const timestamp = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
