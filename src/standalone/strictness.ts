import { functionType } from '../domain/function.ts';
import { nearest } from '../domain/nearest.ts';
import type { Issue, KubernetesObject } from '../domain/resource.ts';
import { unknownField } from '../domain/schema.ts';

/* What a server takes and forgets, or keeps and never reads: most likely the person meant another field. */

const TOP = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

/** `metav1.ObjectMeta` */
const METADATA = [
  ...['name', 'generateName', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields'],
  ...['uid', 'resourceVersion', 'generation', 'selfLink'],
  ...['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'],
];

/** Kubeless' fields of a Function, and ours. Others are kept, so only one that is nearly one of these is a finding. */
const FUNCTION = [
  ...['handler', 'function', 'function-content-type', 'checksum', 'runtime', 'timeout', 'deps', 'endpoint'],
  ...['deployment', 'service', 'horizontalPodAutoscaler'],
];

export function strictIssues(object: KubernetesObject): Issue[] {
  const isFunction = object.kind === functionType.kind;
  return [
    ...unknownKeys(object, TOP, []),
    ...unknownKeys(object.metadata, METADATA, ['metadata']),
    ...(isFunction
      ? unknownKeys(object.spec, FUNCTION, ['spec']).filter(({ path }) => nearest(String(path[1]), FUNCTION))
      : []),
  ];
}

function unknownKeys(value: unknown, known: readonly string[], path: Issue['path']): Issue[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [...path, key], message: unknownField(key, known) }));
}
