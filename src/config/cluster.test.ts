import { expect, test } from 'vitest';
import { readClusterConfig, withKubelessDefaults } from './cluster.ts';

const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443', HOME: '/home/a' };

test('in a pod the cluster is that of its service account', () => {
  expect(readClusterConfig(pod)).toEqual({
    access: { type: 'pod', host: '10.0.0.1', port: '443', tokenFile: undefined },
    functionsNamespace: undefined,
    functionEndpoints: [],
    podIps: [],
    kubeless: { namespace: 'kubeless', config: 'kubeless-config' },
  });
});

test('a kubeconfig that somebody names wins over the service account; several files are one', () => {
  const files = readClusterConfig({ ...pod, KUBECONFIG: '/a:/b:' }).access;
  expect(files).toEqual({ type: 'kubeconfig', files: ['/a', '/b'], context: undefined });
  const flags = { kubeconfig: '/c', context: 'live' };
  expect(readClusterConfig({ ...pod, KUBECONFIG: '/a' }, flags).access).toEqual({
    type: 'kubeconfig',
    files: ['/c'],
    context: 'live',
  });
});

test('outside of a pod the file in the home directory is read', () => {
  const access = { type: 'kubeconfig', files: ['/home/a/.kube/config'], context: undefined };
  expect(readClusterConfig({ HOME: '/home/a' }).access).toEqual(access);
});

test("Kubeless' variables name its configuration and its token", () => {
  const env = { ...pod, KUBELESS_NAMESPACE: 'n', KUBELESS_CONFIG: 'c', KUBELESS_TOKEN_FILE_PATH: '/token' };
  expect(readClusterConfig(env)).toMatchObject({
    access: { tokenFile: '/token' },
    kubeless: { namespace: 'n', config: 'c' },
  });
});

test('a controller looks for its broker where those of Kubeless do, unless it is told', () => {
  expect(withKubelessDefaults({ KAFKA_BROKERS: '' })).toMatchObject({
    KAFKA_BROKERS: 'kafka.kubeless:9092',
    NATS_URL: 'nats://nats.nats-io.svc.cluster.local:4222',
  });
  expect(withKubelessDefaults({ KAFKA_BROKERS: 'b:9092' }).KAFKA_BROKERS).toBe('b:9092');
});

test('hosts of functions and addresses of the pod are comma lists', () => {
  const env = { ...pod, TRIGATE_FUNCTION_ENDPOINTS: '*.example.com, host:8443', POD_IPS: '10.0.0.7,fd00::7' };
  expect(readClusterConfig(env)).toMatchObject({
    functionEndpoints: ['*.example.com', 'host:8443'],
    podIps: ['10.0.0.7', 'fd00::7'],
  });
  expect(() => readClusterConfig({ ...pod, TRIGATE_FUNCTION_ENDPOINTS: 'http://a' })).toThrow(
    'TRIGATE_FUNCTION_ENDPOINTS must be a comma list of hosts such as functions.example.com',
  );
});
