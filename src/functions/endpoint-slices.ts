import type { KubernetesObject, ResourceType } from '../domain/resource.ts';
import { isForbiddenAddress } from './address-rules.ts';

export const endpointSliceType: ResourceType = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  shortNames: [],
  namespaced: true,
};

/** The part of `discovery.k8s.io/v1` EndpointSlice that is read. */
export interface EndpointSlice extends KubernetesObject {
  readonly addressType?: string;
  readonly endpoints?: readonly SliceEndpoint[] | null;
  readonly ports?: readonly SlicePort[] | null;
}

interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean | null; readonly terminating?: boolean | null };
}

interface SlicePort {
  readonly name?: string | null;
  readonly port?: number | null;
}

const SERVICE_LABEL = 'kubernetes.io/service-name';

/** Service `namespace/name`, of every slice that belongs to one. */
export const serviceOf = ({ metadata }: EndpointSlice): string | undefined => {
  const name = metadata.labels?.[SERVICE_LABEL];
  return name === undefined ? undefined : `${metadata.namespace ?? 'default'}/${name}`;
};

/** What a Service's slices say of its pods that take calls: ready, and not on their way out. Sorted, each once. */
export interface Pods {
  readonly origins: readonly string[];
  /** Addresses that no pod has, and that are never called. */
  readonly forbidden: readonly string[];
}

/** @param portName of the Service's port; undefined: the first one */
export function podsOf(slices: readonly EndpointSlice[], portName: string | undefined): Pods {
  const origins = new Set<string>();
  const forbidden = new Set<string>();
  for (const slice of slices) {
    const port = portOf(slice, portName);
    if (port === undefined || slice.addressType === 'FQDN') continue;
    for (const address of (slice.endpoints ?? [])
      .filter(takesCalls)
      .flatMap(({ addresses }) => addresses.slice(0, 1))) {
      if (isForbiddenAddress(address)) forbidden.add(address);
      else origins.add(`http://${address.includes(':') ? `[${address}]` : address}:${port}`);
    }
  }
  return { origins: [...origins].sort(), forbidden: [...forbidden].sort() };
}

/** "Consumers should interpret an unknown readiness as ready" (EndpointConditions). */
const takesCalls = ({ conditions }: SliceEndpoint): boolean =>
  conditions?.ready !== false && conditions?.terminating !== true;

function portOf({ ports }: EndpointSlice, name: string | undefined): number | undefined {
  const all = ports ?? [];
  const found = all.length === 1 || name === undefined ? all[0] : all.find((port) => port.name === name);
  return found?.port ?? undefined;
}
