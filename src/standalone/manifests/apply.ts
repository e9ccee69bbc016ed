import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject, ServedType } from '../../domain/resource.ts';
import { objectKey } from '../../resources/object-cache.ts';
import type { Resources } from '../../resources/resources.ts';
import { APPLIED_FROM, describeObject, type Manifest, type Problem } from './manifest.ts';
import type { Manifests } from './read.ts';

/** What came of one pass. Objects are named as by `describeObject`. */
export interface Applied {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  /** Objects that the server refused. */
  readonly problems: readonly Problem[];
}

const TRIES = 5;

/**
 * Makes the stored objects what the manifests say: labels, annotations and everything but status. An object that is so
 * already is not written. Objects applied before from a file of these paths and found there no more are deleted, unless
 * that file, or its folder, has a problem: then its last good state stays.
 * @param signal ends it after the object in hand; the next pass does the rest
 * @throws TrigateError when the objects cannot be listed
 */
export async function applyManifests(
  resources: Resources,
  types: readonly ServedType[],
  paths: readonly string[],
  manifests: Manifests,
  signal: AbortSignal,
): Promise<Applied> {
  const applied = {
    created: [] as string[],
    changed: [] as string[],
    deleted: [] as string[],
    problems: [] as Problem[],
  };
  const stored = new Map<ServedType, Map<string, KubernetesObject>>();
  for (const type of types) stored.set(type, await listAll(resources, type));

  for (const manifest of manifests.objects) {
    if (signal.aborted) return applied;
    const before = stored.get(manifest.type)?.get(objectKey(manifest.object));
    try {
      const what = await applyOne(resources, manifest, before);
      if (what !== 'same') applied[what].push(describeObject(manifest.object));
    } catch (error) {
      const message = `${describeObject(manifest.object)} was refused: ${asError(error).message}`;
      applied.problems.push({ file: manifest.file, ...manifest.position, message });
    }
  }

  const isOrphan = orphanTest(paths, manifests);
  for (const type of types.toReversed()) {
    for (const object of stored.get(type)?.values() ?? []) {
      if (!isOrphan(type, object)) continue;
      if (signal.aborted) return applied;
      await remove(resources, type, object);
      applied.deleted.push(describeObject(object));
    }
  }
  return applied;
}

async function listAll(resources: Resources, type: ServedType): Promise<Map<string, KubernetesObject>> {
  const found = new Map<string, KubernetesObject>();
  let next: string | undefined;
  do {
    const page = await resources.list(type, { continue: next });
    for (const item of page.items) found.set(objectKey(item), item);
    next = page.continue;
  } while (next !== undefined);
  return found;
}

async function applyOne(
  resources: Resources,
  manifest: Manifest,
  listed: KubernetesObject | undefined,
): Promise<'created' | 'changed' | 'same'> {
  const { type } = manifest;
  const object = withOrigin(manifest);
  let before = listed;
  for (let tries = 1; ; tries++) {
    try {
      if (before === undefined) {
        await resources.create(type, withoutStatus(object));
        return 'created';
      }
      const after = merged(before, object);
      if (isDeepStrictEqual(withoutStatus(before), withoutStatus(after))) return 'same';
      const stored = await resources.replace(type, after);
      // What the server itself puts in and takes out may make the two differ: no new version, no change.
      return stored.metadata.resourceVersion === before.metadata.resourceVersion ? 'same' : 'changed';
    } catch (error) {
      if (!isLostRace(error) || tries === TRIES) throw error;
      before = await resources.get(type, object.metadata.namespace, object.metadata.name).catch(absent);
    }
  }
}

function withOrigin({ file, object }: Manifest): KubernetesObject {
  const annotations = { ...object.metadata.annotations, [APPLIED_FROM]: resolve(file) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const isLostRace = (error: unknown): boolean =>
  error instanceof TrigateError && ['CONFLICT', 'ALREADY_EXISTS', 'NOT_FOUND'].includes(error.code);

function absent(error: unknown): undefined {
  if (error instanceof TrigateError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}

/** The manifest's object with what only the server and the controllers write. */
function merged(before: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  const { labels: _, annotations: __, ...metadata } = before.metadata;
  return {
    ...withoutStatus(wanted),
    metadata: { ...metadata, ...wanted.metadata },
    ...(before.status !== undefined && { status: before.status }),
  };
}

function withoutStatus(object: KubernetesObject): KubernetesObject {
  const copy = { ...object };
  delete copy.status;
  return copy;
}

function orphanTest(paths: readonly string[], manifests: Manifests) {
  const roots = new Set(paths.map((path) => resolve(path)));
  const troubled = new Set(manifests.problems.map(({ file }) => resolve(file)));
  const wanted = new Set(manifests.objects.map(({ type, object }) => `${type.plural} ${objectKey(object)}`));
  return (type: ServedType, object: KubernetesObject): boolean => {
    const from = object.metadata.annotations?.[APPLIED_FROM];
    if (from === undefined || wanted.has(`${type.plural} ${objectKey(object)}`)) return false;
    const ours = roots.has(from) || roots.has(dirname(from));
    return ours && !troubled.has(from) && !troubled.has(dirname(from));
  };
}

async function remove(resources: Resources, type: ServedType, { metadata }: KubernetesObject): Promise<void> {
  await resources.delete(type, metadata.namespace, metadata.name).catch(absent);
}
