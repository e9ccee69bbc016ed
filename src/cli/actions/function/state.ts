import { z } from 'zod';
import { TrigateError } from '../../../domain/errors.ts';
import type { KubernetesObject } from '../../../domain/resource.ts';
import type { Scope } from '../../../resources/resources.ts';
import { deploymentType } from '../../../standalone/workloads/types.ts';
import { listAll } from '../../listing.ts';
import type { Session } from '../../shell.ts';
import { shownFunction } from './shown.ts';

/** Whether functions are there to be called, by their Deployments and by what they say of themselves. */
export interface FunctionStates {
  /** In Kubeless' words: `1/1 READY`, `0/1 NOT READY`, `MISSING: Check controller logs`. */
  of(object: KubernetesObject): string;
}

const functionStatus = z.looseObject({
  conditions: z.array(z.looseObject({ type: z.string(), status: z.string(), message: z.string().catch('') })).min(1),
});
const deploymentStatus = z
  .looseObject({ readyReplicas: z.number().catch(0), replicas: z.number().catch(0) })
  .catch({ readyReplicas: 0, replicas: 0 });

export async function functionStates(session: Session, scope: Pick<Scope, 'namespace'>): Promise<FunctionStates> {
  const deployments = await readDeployments(session, scope);
  return {
    of(object) {
      if (shownFunction(object).endpoint !== undefined) return 'EXTERNAL';
      const ready = readyCondition(object);
      if (ready !== undefined) return ready.status === 'True' ? '1/1 READY' : '0/1 NOT READY';
      if (deployments === undefined) return 'UNKNOWN: Deployments may not be read';
      const found = deployments.get(keyOf(object));
      if (found === undefined) return 'MISSING: Check controller logs';
      const { readyReplicas, replicas } = deploymentStatus.parse(found.status ?? {});
      return `${readyReplicas}/${replicas} ${readyReplicas > 0 ? 'READY' : 'NOT READY'}`;
    },
  };
}

/** What runs a function says so in its status: the local runner of a standalone gateway does, Kubeless' controller not. */
export function readyCondition(object: KubernetesObject): { status: string; message: string } | undefined {
  const { data } = functionStatus.safeParse(object.status);
  return data?.conditions.find(({ type }) => type === 'Ready');
}

async function readDeployments(
  session: Session,
  scope: Pick<Scope, 'namespace'>,
): Promise<ReadonlyMap<string, KubernetesObject> | undefined> {
  try {
    const { items } = await listAll(session, deploymentType, scope);
    return new Map(items.map((item) => [keyOf(item), item]));
  } catch (error) {
    if (error instanceof TrigateError && error.code === 'FORBIDDEN') return undefined;
    throw error;
  }
}

const keyOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace}/${metadata.name}`;
