import type { Clock } from '../domain/clock.ts';
import { parseDuration } from '../domain/duration.ts';
import {
  DEFAULT_FUNCTION_TIMEOUT_MS,
  type FunctionObject,
  type FunctionTarget,
  functionType,
} from '../domain/function.ts';
import type { Logger } from '../domain/kind.ts';
import { type Follower, follow } from '../resources/follow.ts';
import type { Resources } from '../resources/resources.ts';

/** Knows which functions there are, with their labels, and where they live. */
export interface FunctionDirectory {
  readonly synced: Promise<void>;
  all(): FunctionTarget[];
  close(): Promise<void>;
}

export interface DirectoryOptions {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Functions by their Function objects: `spec.endpoint`, or what runs them tells in `status.endpoint`. */
export function followFunctions(resources: Resources, options: DirectoryOptions): FunctionDirectory {
  const follower: Follower<FunctionObject> = follow(resources, functionType, options);
  return {
    synced: follower.synced,
    all: () => [...follower.objects.values()].map(targetOf),
    close: () => follower.close(),
  };
}

export function targetOf(object: FunctionObject): FunctionTarget {
  const { metadata, spec, status } = object;
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    labels: metadata.labels ?? {},
    url: metadata.deletionTimestamp === undefined ? (spec?.endpoint ?? status?.endpoint) : undefined,
    timeout: parseDuration(String(spec?.timeout ?? '')) ?? DEFAULT_FUNCTION_TIMEOUT_MS,
  };
}
