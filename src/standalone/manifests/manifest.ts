import type { Issue, KubernetesObject, ServedType } from '../../domain/resource.ts';

/** A place in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong, where, as one sentence. */
export interface Problem extends Position {
  /** As it was given: relative where the folder was. */
  readonly file: string;
  readonly message: string;
}

/** One valid object of a manifest file. */
export interface Manifest {
  readonly file: string;
  readonly position: Position;
  /** Where a field stands, or the nearest parent that exists. */
  locate(path: Issue['path']): Position;
  readonly type: ServedType;
  /** With its namespace, and the code of `trigate.dev/from-file`. */
  readonly object: KubernetesObject;
}

/**
 * On a Function: a file beside the manifest whose text becomes `spec.function`. An annotation and not a field, so the spec
 * stays Kubeless' own.
 */
export const FROM_FILE = 'trigate.dev/from-file';

/** On every object that was applied from a folder: the absolute path of its file. What vanishes from it is deleted. */
export const APPLIED_FROM = 'trigate.dev/applied-from';

/** `examples/orders.yaml:7:3: spec.topic is missing.` */
export const formatProblem = ({ file, line, column, message }: Problem): string =>
  `${file}:${line}:${column}: ${message}`;

/** `KafkaTrigger default/orders` */
export const describeObject = ({ kind, metadata }: KubernetesObject): string =>
  `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
