import {
  delivery,
  fanout,
  type LabelSelector,
  labelSelector,
  type PrinterColumn,
  type ResourceType,
  selectorIssues,
  type TriggerSpec,
  z,
} from '../../src/sdk.ts';
import { pointerProblem } from './pointer.ts';
import { refusalOf, scopeRefusal, type WatchPolicy } from './policy.ts';

export const kubernetesTriggerType: ResourceType = {
  group: 'kubeless.io',
  version: 'v1beta1',
  kind: 'KubernetesTrigger',
  plural: 'kubernetestriggers',
  singular: 'kubernetestrigger',
  shortNames: ['k8st'],
  namespaced: true,
};

/** What lists show of the spec. */
export const kubernetesTriggerColumns: readonly PrinterColumn[] = [
  { name: 'Kind', path: '.spec.resource.kind', type: 'string' },
  { name: 'API', path: '.spec.resource.apiVersion', type: 'string' },
];

export const verbs = ['added', 'modified', 'deleted'] as const;
export type Verb = (typeof verbs)[number];

const modes = ['object', 'reference', 'envelope'] as const;
const scopes = ['namespace', 'allNamespaces', 'cluster'] as const;

export interface KubernetesTriggerSpec extends TriggerSpec {
  readonly resource: {
    readonly apiVersion: string;
    readonly kind: string;
    /** As in the paths of the API. Needed where it cannot be told from the kind. */
    readonly plural?: string | undefined;
  };
  readonly scope: (typeof scopes)[number];
  readonly labelSelector: LabelSelector;
  /** Empty: all. */
  readonly fieldSelector: string;
  readonly events: readonly Verb[];
  /** JSON pointers. Empty: every modification counts. */
  readonly changed: readonly string[];
  readonly mode: (typeof modes)[number];
  readonly includeExisting: boolean;
  readonly paused: boolean;
}

const API_VERSION = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[a-z0-9]+$/;
const FIELD_TERM = /^\s*[A-Za-z0-9_.[\]-]+\s*(==?|!=)\s*[^,=!]*$/;

const fields = z.strictObject({
  resource: z
    .strictObject({
      apiVersion: z
        .string()
        .max(320)
        .regex(API_VERSION, 'must be a version such as v1, or a group and a version such as apps/v1')
        .describe('v1, apps/v1.'),
      kind: z
        .string()
        .max(63)
        .regex(/^[A-Z][A-Za-z0-9]*$/, 'must be a kind such as Pod')
        .describe('Pod, Deployment.'),
      plural: z
        .string()
        .max(63)
        .regex(/^[a-z][a-z0-9-]*$/, 'must be the name in paths such as pods')
        .optional()
        .describe('Name in the paths of the API, where it cannot be told from the kind: endpoints, gateways.'),
    })
    .describe('What is watched.'),
  scope: z
    .enum(scopes)
    .default('namespace')
    .describe(
      "namespace: the trigger's own. allNamespaces and cluster (kinds without a namespace): only where the operator allows it.",
    ),
  labelSelector: labelSelector.optional().describe('Which objects, by their labels. Default: all.'),
  fieldSelector: z
    .string()
    .max(1024)
    .optional()
    .describe('Which objects, by fields: metadata.name=web,status.phase!=Failed.'),
  events: z
    .array(z.enum(verbs))
    .min(1)
    .max(verbs.length)
    .default([...verbs])
    .describe(
      'Which changes. An object that comes to match the selectors is added, one that no longer does is deleted.',
    ),
  changed: z
    .array(z.string().max(256))
    .max(16)
    .default([])
    .describe(
      'JSON pointers such as /spec/replicas: a modification counts only when one of them leads to another value.',
    ),
  mode: z
    .enum(modes)
    .optional()
    .describe(
      'What the function gets: the object; a reference to it; or {type, object, oldObject, changed}. Default: object, with changed: envelope.',
    ),
  includeExisting: z
    .boolean()
    .default(false)
    .describe('Whether a new trigger begins with the objects that exist. Afterwards it changes nothing.'),
  paused: z.boolean().default(false).describe('Hold the position, call no function.'),
  functionSelector: labelSelector,
  delivery,
  fanout,
});

type Input = z.infer<typeof fields>;

interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** @param policy undefined: what only the operator's settings tell is left to the gateway */
export function kubernetesTriggerSpecOf(policy: WatchPolicy | undefined): z.ZodType<KubernetesTriggerSpec> {
  return fields
    .superRefine((spec, context) => {
      for (const { path, message } of problems(spec, policy)) context.addIssue({ code: 'custom', path, message });
    })
    .transform((spec) => ({
      ...spec,
      labelSelector: spec.labelSelector ?? {},
      fieldSelector: spec.fieldSelector ?? '',
      mode: spec.mode ?? (spec.changed.length > 0 ? 'envelope' : 'object'),
    }));
}

export const kubernetesTriggerSpec = kubernetesTriggerSpecOf(undefined);

function problems(spec: Input, policy: WatchPolicy | undefined): Problem[] {
  const refused = policy && refusalOf(spec.resource, policy);
  const outOfScope = policy && scopeRefusal(spec.scope, policy);
  return [
    ...(refused === undefined ? [] : [{ path: ['resource', 'kind'], message: refused }]),
    ...(outOfScope === undefined ? [] : [{ path: ['scope'], message: outOfScope }]),
    ...selectorIssues(spec.labelSelector ?? {}, ['labelSelector']).map(({ path, message }) => ({
      path: [...path],
      message,
    })),
    ...fieldProblems(spec.fieldSelector ?? ''),
    ...ownStatusProblems(spec),
    ...spec.changed.flatMap((pointer, i): Problem[] => {
      const message = pointerProblem(pointer);
      return message === undefined ? [] : [{ path: ['changed', i], message }];
    }),
  ];
}

const AT_REST = /^\/(spec|metadata\/(labels|annotations))(\/|$)/;

/** The status of a KubernetesTrigger has its counts: one that hears of them counts what it heard, and never comes to rest. */
function ownStatusProblems({ resource: { apiVersion, kind }, events, changed }: Input): Problem[] {
  const { group, kind: own } = kubernetesTriggerType;
  if (kind !== own || !apiVersion.startsWith(`${group}/`) || !events.includes('modified')) return [];
  if (changed.length > 0 && changed.every((pointer) => AT_REST.test(pointer))) return [];
  const found = changed.length === 0 ? 'nothing' : changed.join(', ');
  const message = `must lead into /spec, /metadata/labels or /metadata/annotations of a ${own}, whose status changes with its events; found ${found}`;
  return [{ path: ['changed'], message }];
}

/** Which fields there are is for the API server to say. */
function fieldProblems(text: string): Problem[] {
  const wrong = text === '' ? undefined : text.split(',').find((term) => !FIELD_TERM.test(term));
  if (wrong === undefined) return [];
  return [{ path: ['fieldSelector'], message: `has the term "${wrong}"; allowed are field=value and field!=value` }];
}
