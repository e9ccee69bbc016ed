import { z } from 'zod';
import type { KubernetesObject, ObjectMeta } from '../domain/resource.ts';

/** Where `kubectl apply` notes what it applied last; the same place, so that the two can take turns. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object with a note of itself. */
export function withLastApplied(wanted: KubernetesObject): KubernetesObject {
  const plain = withAnnotations(withoutStatus(wanted), (annotations) => without(annotations, LAST_APPLIED));
  const note = `${JSON.stringify(plain)}\n`;
  return withAnnotations(plain, (annotations) => ({ ...annotations, [LAST_APPLIED]: note }));
}

/**
 * What is stored, made to say what the manifest says: its spec as a whole; its labels and annotations beside those of
 * others, without the ones that an earlier manifest had and this one has no more.
 */
export function mergeApplied(stored: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  const noted = withLastApplied(wanted);
  const before = readNote(stored.metadata.annotations?.[LAST_APPLIED]);
  const labels = threeWay(before.labels, stored.metadata.labels, noted.metadata.labels);
  const annotations = threeWay(before.annotations, stored.metadata.annotations, noted.metadata.annotations);
  const metadata: ObjectMeta = { ...stored.metadata, ...noted.metadata };
  return {
    ...noted,
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
    ...(stored.status !== undefined && { status: stored.status }),
  };
}

type Texts = Readonly<Record<string, string>>;

function threeWay(before: Texts, stored: Texts | undefined, wanted: Texts | undefined) {
  if (stored === undefined && wanted === undefined) return undefined;
  const kept = Object.entries(stored ?? {}).filter(([key]) => !(key in before));
  return { ...Object.fromEntries(kept), ...wanted };
}

const texts = z.record(z.string(), z.string()).catch({});
const note = z.looseObject({ metadata: z.looseObject({ labels: texts, annotations: texts }) });
const NOTHING = { labels: {}, annotations: {} };

function readNote(text: string | undefined): { readonly labels: Texts; readonly annotations: Texts } {
  try {
    return note.safeParse(JSON.parse(text ?? '')).data?.metadata ?? NOTHING;
  } catch {
    return NOTHING;
  }
}

function withoutStatus(object: KubernetesObject): KubernetesObject {
  const copy = { ...object };
  delete copy.status;
  return copy;
}

function withAnnotations(object: KubernetesObject, change: (annotations: Texts) => Texts): KubernetesObject {
  const { annotations, ...metadata } = object.metadata;
  const changed = change(annotations ?? {});
  return {
    ...object,
    metadata: { ...metadata, ...(Object.keys(changed).length > 0 && { annotations: { ...changed } }) },
  };
}

const without = (map: Texts, key: string): Texts =>
  Object.fromEntries(Object.entries(map).filter(([each]) => each !== key));
