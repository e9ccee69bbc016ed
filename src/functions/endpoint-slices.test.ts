import { expect, test } from 'vitest';
import { type EndpointSlice, podsOf, serviceOf } from './endpoint-slices.ts';

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
  expect(podsOf([slice({ endpoints })], 'http').origins).toEqual([
    'http://10.0.0.2:8080',
    'http://10.0.0.3:8080',
    'http://10.0.0.6:8080',
  ]);
});

test('a pod in two slices is one, and an IPv6 address gets its brackets', () => {
  const one = slice({ endpoints: [at('10.0.0.2')] });
  const six = slice({ addressType: 'IPv6', endpoints: [at('fd00::2')] });
  expect(podsOf([one, one, six], 'http').origins).toEqual(['http://10.0.0.2:8080', 'http://[fd00::2]:8080']);
});

test('the port is the one of that name, the only one, or the first', () => {
  const ports = [
    { name: 'metrics', port: 9000 },
    { name: 'http', port: 8080 },
  ];
  const endpoints = [at('10.0.0.2')];
  expect(podsOf([slice({ endpoints, ports })], 'http').origins).toEqual(['http://10.0.0.2:8080']);
  expect(podsOf([slice({ endpoints, ports })], undefined).origins).toEqual(['http://10.0.0.2:9000']);
  expect(podsOf([slice({ endpoints, ports })], 'other').origins).toEqual([]);
  expect(podsOf([slice({ endpoints })], 'other').origins).toEqual(['http://10.0.0.2:8080']);
});

test('nothing is called that is no pod: loopback, link-local, names; and what was refused is told', () => {
  const of = (addresses: readonly string[]) =>
    podsOf([slice({ endpoints: addresses.map((address) => at(address)) })], 'http');
  const addresses = ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', 'metadata.internal'];
  expect(of(addresses)).toEqual({ origins: [], forbidden: addresses.toSorted() });
  const six = ['::1', '::', 'fe80::1', '::ffff:127.0.0.1', '::ffff:169.254.169.254', 'fd00:ec2::254'];
  expect(of(six)).toEqual({ origins: [], forbidden: six.toSorted() });
  expect(of(['10.0.0.2', '127.0.0.1'])).toEqual({ origins: ['http://10.0.0.2:8080'], forbidden: ['127.0.0.1'] });
  const fqdn = slice({ addressType: 'FQDN', endpoints: [at('10.0.0.2')] });
  expect(podsOf([fqdn], 'http')).toEqual({ origins: [], forbidden: [] });
});

test('a slice tells its Service by its label', () => {
  expect(serviceOf(slice({}))).toBe('a/f');
  expect(serviceOf(slice({ metadata: { namespace: 'a', name: 'own' } }))).toBeUndefined();
});
