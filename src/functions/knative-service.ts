import { z } from 'zod';
import { parseDuration } from '../domain/duration.ts';
import { DEFAULT_FUNCTION_TIMEOUT_MS } from '../domain/function.ts';
import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import type { FunctionAdapter } from './found.ts';
import { FUNCTION_LABEL, TIMEOUT_ANNOTATION } from './labelled-service.ts';

const knativeServiceType: ResourceType = {
  group: 'serving.knative.dev',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['ksvc'],
  namespaced: true,
};

const url = z.url({ protocol: /^https?$/ });

/** The part that is read; Knative's own controller writes the status. */
const parts = z.looseObject({
  spec: z.looseObject({ template: z.looseObject({ spec: z.looseObject({ timeoutSeconds: z.number().optional() }) }) }),
  status: z.looseObject({ url: url.optional(), address: z.looseObject({ url: url.optional() }).optional() }),
});

/**
 * A Service of Knative that carries the label. It is called by its address within the cluster, where Knative's activator
 * holds a call until there is a pod: so it is never kept waiting for one.
 */
export const knativeServices: FunctionAdapter<KubernetesObject> = {
  type: knativeServiceType,
  labelSelector: FUNCTION_LABEL,
  find({ metadata, spec, status }) {
    const { namespace = 'default', name, labels = {}, annotations = {}, deletionTimestamp } = metadata;
    const timeoutSeconds = parts.shape.spec.safeParse(spec).data?.template.spec.timeoutSeconds;
    const said = parts.shape.status.safeParse(status).data;
    const address = deletionTimestamp === undefined ? (said?.address?.url ?? said?.url) : undefined;
    return {
      namespace,
      name,
      labels,
      timeout:
        parseDuration(annotations[TIMEOUT_ANNOTATION] ?? '') ??
        (timeoutSeconds === undefined ? DEFAULT_FUNCTION_TIMEOUT_MS : timeoutSeconds * 1_000),
      location: address === undefined ? undefined : { type: 'url', url: address },
    };
  },
};
