import { parseDuration } from '../domain/duration.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS } from '../domain/function.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { FunctionAdapter, Location } from './found.ts';

export const serviceType: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  namespaced: true,
};

/** The label by which the owner of a Service, of Kubernetes or of Knative, says that triggers may call it. */
export const FUNCTION_LABEL = 'trigate.dev/function=true';

/** How long a call may take, where it is not the default. */
export const TIMEOUT_ANNOTATION = 'trigate.dev/timeout';

export type Service = KubernetesObject<{
  readonly type?: string;
  readonly ports?: readonly { readonly port: number; readonly name?: string }[];
}>;

/** A Service that carries the label is a function of its own. */
export const labelledServices: FunctionAdapter<Service> = {
  type: serviceType,
  labelSelector: FUNCTION_LABEL,
  without: 'Services cannot be read: only Function objects are functions',
  find({ metadata, spec }) {
    const { namespace = 'default', name, labels = {}, annotations = {}, deletionTimestamp } = metadata;
    return {
      namespace,
      name,
      labels,
      timeout: parseDuration(annotations[TIMEOUT_ANNOTATION] ?? '') ?? DEFAULT_FUNCTION_TIMEOUT_MS,
      location: deletionTimestamp === undefined ? callable(name, spec) : undefined,
    };
  },
};

/** An ExternalName would let its author send a controller anywhere. */
function callable(name: string, spec: Service['spec']): Location | undefined {
  const [first] = spec?.ports ?? [];
  if (spec?.type === 'ExternalName') return { type: 'refused', why: 'its Service is of type ExternalName' };
  if (first === undefined) return undefined;
  return { type: 'service', name, port: first.port, portName: first.name };
}
