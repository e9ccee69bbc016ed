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
  /** Origins of the pods behind the URL, for calls to be spread over; undefined: the URL itself is called. */
  readonly pods?: readonly string[] | undefined;
  /** Why it may not be called there, one sentence: a rule of the operator, which its author cannot heal by waiting. */
  readonly refusal?: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Nothing for a rule that is told without an object. */
const foundText = (input: unknown): string => (typeof input === 'string' ? `, found ${JSON.stringify(input)}` : '');

/** What is checked of a function's spec; what else Kubeless knows is kept as it came. */
export const functionSpec = z.looseObject({
  handler: z
    .string()
    // Empty where an image brings its own; Kubeless' command writes it so.
    .regex(/^([^.]+\.[^.]+)?$/, { error: ({ input }) => `must be module.function${foundText(input)}` })
    .optional()
    .describe('What is called: module.function.'),
  runtime: z.string().optional().describe('Language and version: python3.7.'),
  function: z.string().optional().describe('The code, in the form that function-content-type names.'),
  deps: z.string().optional().describe('What the code depends on, in the form of its language.'),
  timeout: duration.optional().describe('How long a call may take. Default: 180s.'),
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe('Where the function answers HTTP, instead of code.'),
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
