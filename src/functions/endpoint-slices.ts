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

/**
 * Origins of the pods that take calls: ready, and not on their way out. Sorted, each once.
 * @param portName of the Service's port; undefined: the first one
 */
export function podOrigins(slices: readonly EndpointSlice[], portName: string | undefined): string[] {
  const origins = slices.flatMap((slice) => {
    const port = portOf(slice, portName);
    if (port === undefined || slice.addressType === 'FQDN') return [];
    return (slice.endpoints ?? [])
      .filter(takesCalls)
      .flatMap(({ addresses }) => addresses.slice(0, 1))
      .filter((address) => !isForbiddenAddress(address))
      .map((address) => `http://${address.includes(':') ? `[${address}]` : address}:${port}`);
  });
  return [...new Set(origins)].sort();
}

/** "Consumers should interpret an unknown readiness as ready" (EndpointConditions). */
const takesCalls = ({ conditions }: SliceEndpoint): boolean =>
  conditions?.ready !== false && conditions?.terminating !== true;

function portOf({ ports }: EndpointSlice, name: string | undefined): number | undefined {
  const all = ports ?? [];
  const found = all.length === 1 || name === undefined ? all[0] : all.find((port) => port.name === name);
  return found?.port ?? undefined;
}
