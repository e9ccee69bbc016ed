import { z } from 'zod';
import { duration } from './duration.ts';
import type { Condition, KubernetesObject, ResourceType, ServedType } from './resource.ts';
import { KUBELESS_GROUP, KUBELESS_VERSION } from './resource.ts';
import { specIssues } from './schema.ts';

export const functionType: ResourceType = {
  group: KUBELESS_GROUP,
  version: KUBELESS_VERSION,
  kind: 'Function',
  plural: 'functions',
  singular: 'function',
  shortNames: ['fn'],
  namespaced: true,
};

/** Kubeless' fields that matter here, and ours: `endpoint`, an HTTP URL instead of code. */
export interface FunctionSpec {
  handler?: string;
  runtime?: string;
  function?: string;
  'function-content-type'?: string;
  deps?: string;
  /** Seconds, as text (Kubeless) or a duration. */
  timeout?: string | number;
  endpoint?: string;
  [other: string]: unknown;
}

/** The local runner writes `endpoint` when the child process answers, and removes it when it does not. */
export interface FunctionStatus {
  endpoint?: string;
  conditions?: Condition[];
}

export type FunctionObject = KubernetesObject<FunctionSpec, FunctionStatus>;

export const DEFAULT_FUNCTION_TIMEOUT_MS = 180_000;

/** A target as the delivery side sees it. `url` is undefined while no live endpoint is known. */
export interface FunctionTarget {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly url: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

const functionSpec = z.looseObject({
  handler: z
    .string()
    .regex(/^[^.]+\.[^.]+$/, 'must be module.function')
    .optional(),
  runtime: z.string().optional(),
  function: z.string().optional(),
  deps: z.string().optional(),
  timeout: duration.optional(),
  endpoint: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
});

export const functionResource: ServedType = {
  ...functionType,
  validate: (object) => specIssues(functionSpec, object),
  columns: [
    { name: 'Handler', path: '.spec.handler', type: 'string' },
    { name: 'Runtime', path: '.spec.runtime', type: 'string' },
    { name: 'Ready', path: '.status.conditions[Ready].status', type: 'string' },
    { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' },
  ],
};
