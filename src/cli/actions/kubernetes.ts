import { z } from 'zod';
import { kubernetesTriggerSpec, kubernetesTriggerType } from '../../../triggers/kubernetes/spec.ts';
import { guessedPlural } from '../../../triggers/kubernetes/target.ts';
import { TrigateError } from '../../domain/errors.ts';
import { apiVersionOf, type KubernetesObject } from '../../domain/resource.ts';
import { fieldName, specIssues } from '../../domain/schema.ts';
import { labelSelector } from '../../domain/trigger.ts';
import type { WriteOptions } from '../../resources/resources.ts';
import { formatSelector } from '../../resources/selector.ts';
import { printedInstead } from '../dry-run.ts';
import { kubernetesSort } from '../kubernetes-sort.ts';
import { sayMatches } from '../matches.ts';
import type { DryRun } from '../options.ts';
import { checkFormat } from '../output.ts';
import { readResource } from '../resource-flag.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import { readSelector } from '../selector-flag.ts';
import type { Session } from '../shell.ts';
import { checkedNamespace, named } from './trigger.ts';
import { type ListFlags, listTriggers } from './trigger-list.ts';

/** As given; what is not given is undefined. */
export interface KubernetesFlags {
  readonly resource?: string | undefined;
  readonly scope?: string | undefined;
  readonly event?: readonly string[] | undefined;
  readonly objectSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly changed?: readonly string[] | undefined;
  readonly mode?: string | undefined;
  readonly includeExisting?: boolean | undefined;
  readonly paused?: string | undefined;
  readonly functionSelector?: string | undefined;
  readonly dryRun: DryRun;
  readonly output: string;
}

type StoredSpec = Readonly<Record<string, unknown>>;

export async function createKubernetesTrigger(session: Session, name: string, flags: KubernetesFlags): Promise<void> {
  const namespace = checkedNamespace(session, kubernetesSort, name);
  const trigger = {
    apiVersion: apiVersionOf(kubernetesTriggerType),
    kind: kubernetesTriggerType.kind,
    metadata: { name, namespace, labels: { 'created-by': 'kubeless' } },
    spec: await given(session, flags),
  };
  await write(session, trigger, flags, 'created', (options) =>
    session.resources.create(kubernetesTriggerType, trigger, options),
  );
}

/** Only what is given replaces. */
export async function updateKubernetesTrigger(session: Session, name: string, flags: KubernetesFlags): Promise<void> {
  const namespace = checkedNamespace(session, kubernetesSort, name);
  const changes = await given(session, flags);
  await retryConflicts(async () => {
    const stored = await named(`Unable to find Kubernetes trigger ${name} in namespace ${namespace}. Error `, () =>
      session.resources.get<KubernetesObject<StoredSpec>>(kubernetesTriggerType, namespace, name),
    );
    const trigger = { ...stored, spec: { ...stored.spec, ...changes } };
    await write(session, trigger, flags, 'updated', (options) =>
      session.resources.replace(kubernetesTriggerType, trigger, options),
    );
  });
}

async function write(
  session: Session,
  trigger: KubernetesObject<StoredSpec>,
  flags: KubernetesFlags,
  done: 'created' | 'updated',
  put: (options: WriteOptions) => Promise<unknown>,
): Promise<void> {
  checkFormat(flags.output);
  const { name, namespace = '' } = trigger.metadata;
  checkSpec(trigger);
  const verb = done === 'created' ? 'create' : 'update';
  const words = `Failed to ${verb} Kubernetes trigger object ${name} in namespace ${namespace}. Error: `;
  const store = (options: WriteOptions) => named(words, () => put(options));
  if (await printedInstead(session, { object: trigger, store, ...flags })) return;
  await store({});
  session.messages.info(`Kubernetes trigger ${name} ${done} in namespace ${namespace} successfully!`);
  if (flags.functionSelector !== undefined) await sayMatches(session, namespace, readSelector(flags.functionSelector));
}

const FLAGS: Readonly<Record<string, string>> = {
  resource: 'resource',
  scope: 'scope',
  events: 'event',
  labelSelector: 'object-selector',
  fieldSelector: 'field-selector',
  changed: 'changed',
  mode: 'mode',
  paused: 'paused',
  functionSelector: 'function-selector',
};

/** The same rules as the resource API, said of the flags. */
function checkSpec(trigger: KubernetesObject): void {
  const [issue] = specIssues(kubernetesTriggerSpec, trigger);
  if (issue === undefined) return;
  const flag = FLAGS[String(issue.path[1])];
  const what = flag === undefined ? fieldName(issue.path) : `--${flag}`;
  throw new TrigateError('INVALID_ARGUMENT', `${what}: ${issue.message}.`);
}

/** The fields of the spec that flags give. */
async function given({ resources }: Session, flags: KubernetesFlags): Promise<StoredSpec> {
  const { resource, scope, event, objectSelector, fieldSelector, changed, mode, functionSelector } = flags;
  return {
    ...(resource !== undefined && { resource: await resourceOf(resources, resource) }),
    ...(scope !== undefined && { scope }),
    ...(objectSelector !== undefined && { labelSelector: readSelector(objectSelector) }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(event !== undefined && { events: event }),
    ...(changed !== undefined && { changed }),
    ...(mode !== undefined && { mode }),
    ...(flags.includeExisting === true && { includeExisting: true }),
    ...(flags.paused !== undefined && { paused: booleanOf(flags.paused) }),
    ...(functionSelector !== undefined && { functionSelector: readSelector(functionSelector) }),
  };
}

/** A plural that everybody guesses needs not to be said. */
async function resourceOf(resources: Session['resources'], text: string): Promise<object> {
  const { apiVersion, kind, plural } = await readResource(resources, text);
  return { apiVersion, kind, ...(plural !== undefined && plural !== guessedPlural(kind) && { plural }) };
}

const booleanOf = (text: string): boolean | string => (text === 'true' ? true : text === 'false' ? false : text);

const listed = z
  .looseObject({
    resource: z.looseObject({ apiVersion: z.string(), kind: z.string() }).optional().catch(undefined),
    functionSelector: labelSelector.optional().catch(undefined),
  })
  .catch({});

export async function listKubernetesTriggers(session: Session, flags: ListFlags): Promise<void> {
  await listTriggers(session, { ...kubernetesSort, heads: ['RESOURCE', 'FUNCTION SELECTOR'], cells }, flags);
}

function cells({ spec }: KubernetesObject): string[] {
  const { resource, functionSelector } = listed.parse(spec);
  const watched = resource === undefined ? '<invalid>' : `${resource.apiVersion}/${resource.kind}`;
  return [watched, formatSelector(functionSelector ?? {})];
}
