import { z } from 'zod';
import { kubernetesTriggerSpec, kubernetesTriggerType } from '../../../triggers/kubernetes/spec.ts';
import { guessedPlural } from '../../../triggers/kubernetes/target.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import { labelSelector } from '../../domain/trigger.ts';
import { formatSelector } from '../../resources/selector.ts';
import { kubernetesSort } from '../kubernetes-sort.ts';
import type { DryRun } from '../options.ts';
import { readResource } from '../resource-flag.ts';
import { readSelector } from '../selector-flag.ts';
import type { Session } from '../shell.ts';
import { type ListFlags, listTriggers } from './trigger-list.ts';
import {
  booleanOf,
  checkSpec,
  createTriggerObject,
  type StoredSpec,
  type TriggerWrite,
  updateTriggerObject,
} from './trigger-write.ts';

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

export const createKubernetesTrigger = (session: Session, name: string, flags: KubernetesFlags): Promise<void> =>
  createTriggerObject(session, writeOf(session, name, flags));

export const updateKubernetesTrigger = (session: Session, name: string, flags: KubernetesFlags): Promise<void> =>
  updateTriggerObject(session, writeOf(session, name, flags));

const writeOf = (session: Session, name: string, flags: KubernetesFlags): TriggerWrite => ({
  title: kubernetesSort.title,
  type: kubernetesTriggerType,
  name,
  dryRun: flags.dryRun,
  output: flags.output,
  selector: flags.functionSelector === undefined ? undefined : readSelector(flags.functionSelector),
  given: () => given(session, flags),
  check: (trigger) => checkSpec(kubernetesTriggerSpec, trigger, FLAGS),
});

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
