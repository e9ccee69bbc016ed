import { z } from 'zod';
import { functionType } from '../../domain/function.ts';
import { apiVersionOf, type KubernetesObject, type ObjectMeta, type ServedType } from '../../domain/resource.ts';
import { resourcePath } from '../../resources/path.ts';
import type { View } from '../api/views.ts';
import { deploymentType, podType, serviceType } from './types.ts';

/**
 * What a cluster would have made of each Function: a Service, and for one that has code a Deployment with one Pod, which
 * is the process that the local runner keeps. So whoever asks a cluster (`kubectl`, Kubeless' own command, ours) asks a
 * standalone gateway in the same way.
 */
export const workloadViews: readonly View[] = [
  { type: serviceType, of: functionType, derive: service },
  { type: deploymentType, of: functionType, derive: deployment },
  { type: podType, of: functionType, derive: pod },
];

/** The name of the one Pod of a function, and back. */
const podName = (functionName: string): string => `${functionName}-0`;
export const functionOfPod = (name: string): string | undefined => /^(.+)-0$/.exec(name)?.[1];

/** The name of the Service's port that Kubeless gives it, and its number where none is given. */
export const PORT_NAME = 'http-function-port';
const DEFAULT_PORT = 8080;

const status = z.looseObject({
  endpoint: z.string().optional(),
  conditions: z
    .array(z.looseObject({ type: z.string(), status: z.string(), reason: z.string(), message: z.string() }))
    .optional(),
});
const spec = z.looseObject({
  endpoint: z.string().optional(),
  function: z.string().optional(),
  runtime: z.string().optional(),
  service: z
    .looseObject({ ports: z.array(z.looseObject({ port: z.int() })).min(1) })
    .optional()
    .catch(undefined),
});

const specOf = (object: KubernetesObject) => spec.safeParse(object.spec ?? {}).data ?? {};
const statusOf = (object: KubernetesObject) => status.safeParse(object.status ?? {}).data ?? {};

export const servicePort = (object: KubernetesObject): number => specOf(object).service?.ports[0]?.port ?? DEFAULT_PORT;

function service(object: KubernetesObject): KubernetesObject {
  const port = servicePort(object);
  return derived(serviceType, object, object.metadata.name, {
    spec: { type: 'ClusterIP', ports: [{ name: PORT_NAME, protocol: 'TCP', port, targetPort: port }] },
    status: { loadBalancer: {} },
  });
}

function deployment(object: KubernetesObject): KubernetesObject | undefined {
  if (!isRunHere(object)) return undefined;
  const ready = statusOf(object).endpoint === undefined ? {} : { readyReplicas: 1, availableReplicas: 1 };
  return derived(deploymentType, object, object.metadata.name, {
    spec: { replicas: 1, selector: { matchLabels: kubelessLabels(object) } },
    status: { observedGeneration: object.metadata.generation, replicas: 1, ...ready },
  });
}

function pod(object: KubernetesObject): KubernetesObject | undefined {
  if (!isRunHere(object)) return undefined;
  const { name, creationTimestamp: startedAt } = object.metadata;
  const { endpoint, conditions = [] } = statusOf(object);
  const ready = endpoint !== undefined;
  const said = conditions.find(({ type }) => type === 'Ready');
  const { reason = 'Starting', message = '' } = said ?? {};
  const image = specOf(object).runtime ?? '';
  return derived(podType, object, podName(name), {
    spec: { containers: [{ name, image }] },
    status: {
      phase: ready ? 'Running' : 'Pending',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', reason, message }],
      containerStatuses: [
        {
          name,
          image,
          ready,
          restartCount: 0,
          state: ready ? { running: { startedAt } } : { waiting: { reason, message } },
        },
      ],
    },
  });
}

/** Functions with an endpoint run elsewhere; without code there is nothing to run. */
function isRunHere(object: KubernetesObject): boolean {
  const { endpoint, function: code } = specOf(object);
  return endpoint === undefined && Boolean(code);
}

const kubelessLabels = ({ metadata }: KubernetesObject) => ({ 'created-by': 'kubeless', function: metadata.name });

function derived(
  type: ServedType,
  object: KubernetesObject,
  name: string,
  rest: { readonly spec: object; readonly status: object },
): KubernetesObject {
  const { namespace, uid, resourceVersion, creationTimestamp, labels } = object.metadata;
  const metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid: `${uid}-${type.singular}` }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    labels: { ...labels, ...kubelessLabels(object) },
    // Kubernetes no longer has it; Kubeless' own `function call` builds its URL from it.
    selfLink: resourcePath(type, namespace, name),
  } satisfies ObjectMeta;
  return { apiVersion: apiVersionOf(type), kind: type.kind, metadata, ...rest };
}
