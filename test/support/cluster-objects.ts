import { networkInterfaces } from 'node:os';
import type { KubernetesObject } from '../../src/domain/resource.ts';

/** An address of this machine that a controller in a cluster may call: it calls neither loopback nor link-local ones. */
export function podAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const usable = addresses.find(
    ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
  );
  if (usable !== undefined) return usable.address;
  throw new Error('This test needs a network interface with an IPv4 address other than 127.0.0.1; there is none.');
}

export const functionObject = (namespace: string, name: string, labels: Record<string, string>): KubernetesObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'Function',
  metadata: { namespace, name, labels },
  spec: { handler: 'a.b', runtime: 'nodejs14' },
});

/** One pod behind the Service of a function, as the endpoint slice controller would write it. */
export function endpointSlice(
  namespace: string,
  service: string,
  url: string,
  ready = true,
  name = service,
): KubernetesObject {
  const { hostname, port } = new URL(url);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [hostname], conditions: { ready } }],
    ports: [{ name: 'http-function-port', protocol: 'TCP', port: Number(port) }],
  };
}

/** A ServiceAccount that may do what is listed, in its namespace. */
export function account(
  namespace: string,
  name: string,
  rules: readonly {
    readonly group: string;
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[],
): KubernetesObject[] {
  const metadata = { namespace, name };
  const rbac = 'rbac.authorization.k8s.io';
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata,
      rules: rules.map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs })),
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
}
