import { expect, test } from 'vitest';
import { type EndpointSlice, podOrigins, serviceOf } from './endpoint-slices.ts';

const slice = (more: Partial<EndpointSlice>): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'a', name: 'f-x', labels: { 'kubernetes.io/service-name': 'f' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  ...more,
});

const at = (address: string, conditions = {}) => ({ addresses: [address], conditions });

test('pods that are ready, or do not say, take calls; those on their way out do not', () => {
  const endpoints = [
    at('10.0.0.3', { ready: true }),
    at('10.0.0.2'),
    at('10.0.0.4', { ready: false }),
    at('10.0.0.5', { ready: true, terminating: true }),
    at('10.0.0.6', { ready: null }),
  ];
  expect(podOrigins([slice({ endpoints })], 'http')).toEqual([
    'http://10.0.0.2:8080',
    'http://10.0.0.3:8080',
    'http://10.0.0.6:8080',
  ]);
});

test('a pod in two slices is one, and an IPv6 address gets its brackets', () => {
  const one = slice({ endpoints: [at('10.0.0.2')] });
  const six = slice({ addressType: 'IPv6', endpoints: [at('fd00::2')] });
  expect(podOrigins([one, one, six], 'http')).toEqual(['http://10.0.0.2:8080', 'http://[fd00::2]:8080']);
});

test('the port is the one of that name, the only one, or the first', () => {
  const ports = [
    { name: 'metrics', port: 9000 },
    { name: 'http', port: 8080 },
  ];
  const endpoints = [at('10.0.0.2')];
  expect(podOrigins([slice({ endpoints, ports })], 'http')).toEqual(['http://10.0.0.2:8080']);
  expect(podOrigins([slice({ endpoints, ports })], undefined)).toEqual(['http://10.0.0.2:9000']);
  expect(podOrigins([slice({ endpoints, ports })], 'other')).toEqual([]);
  expect(podOrigins([slice({ endpoints })], 'other')).toEqual(['http://10.0.0.2:8080']);
});

test('nothing is called that is no pod: loopback, link-local, names', () => {
  const addresses = ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', 'metadata.internal'];
  expect(podOrigins([slice({ endpoints: addresses.map((address) => at(address)) })], 'http')).toEqual([]);
  const six = ['::1', '::', 'fe80::1', '::ffff:127.0.0.1', '::ffff:169.254.169.254', 'fd00:ec2::254'];
  expect(podOrigins([slice({ endpoints: six.map((address) => at(address)) })], 'http')).toEqual([]);
  expect(podOrigins([slice({ addressType: 'FQDN', endpoints: [at('10.0.0.2')] })], 'http')).toEqual([]);
});

test('a slice tells its Service by its label', () => {
  expect(serviceOf(slice({}))).toBe('a/f');
  expect(serviceOf(slice({ metadata: { namespace: 'a', name: 'own' } }))).toBeUndefined();
});
