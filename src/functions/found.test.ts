import { expect, test } from 'vitest';
import type { FunctionObject } from '../domain/function.ts';
import { endpointRules } from './endpoint-rules.ts';
import { knativeServices } from './knative-service.ts';
import { kubelessFunctions } from './kubeless-function.ts';
import { labelledServices, type Service } from './labelled-service.ts';

const kubelessFunction = kubelessFunctions(() => false).find;
const labelledService = labelledServices.find;

const fn = (spec: FunctionObject['spec']): FunctionObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'Function',
  metadata: { namespace: 'a', name: 'f', labels: { app: 'x' } },
  ...(spec && { spec }),
});

const service = (spec: Service['spec'], annotations = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'a', name: 's', labels: { app: 'x' }, annotations },
  ...(spec && { spec }),
});

test('a function of Kubeless is behind the Service of its name, on the port that its spec gives it', () => {
  expect(kubelessFunction(fn({ timeout: '20' }))).toEqual({
    namespace: 'a',
    name: 'f',
    labels: { app: 'x' },
    timeout: 20_000,
    location: { type: 'service', name: 'f', port: 8080, portName: undefined },
  });
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  expect(kubelessFunction(fn({ service: { ports } })).location).toEqual({
    type: 'service',
    name: 'f',
    port: 80,
    portName: 'http',
  });
  expect(kubelessFunction(fn({ service: { ports: [] } })).location).toMatchObject({ port: 8080 });
});

test('a function that names an address of its own is called there only where the operator listed the host', () => {
  const { find } = kubelessFunctions(endpointRules(['a.example.com']));
  expect(find(fn({ endpoint: 'http://user:secret@169.254.169.254/latest' })).location).toEqual({
    type: 'refused',
    why: 'its spec.endpoint http://169.254.169.254 is on no host that the operator lists (TRIGATE_FUNCTION_ENDPOINTS, in the chart functions.endpoints)',
  });
  expect(find(fn({ endpoint: 'https://a.example.com/x' })).location).toEqual({
    type: 'url',
    url: 'https://a.example.com/x',
  });
});

test('hosts are listed by name, with all below them, and with one port or every port', () => {
  const allows = endpointRules(['A.example.com', '*.b.example.com', 'c:8443']);
  const listed = ['http://a.example.com', 'https://a.EXAMPLE.com.:9/x', 'http://x.y.b.example.com', 'https://c:8443/'];
  for (const url of listed) expect(allows(url), url).toBe(true);
  const others = [
    'http://b.example.com',
    'http://xb.example.com',
    'http://aXexample.com',
    'http://c',
    'https://c:443',
    'ftp://a.example.com',
    'http://a.example.com@evil.example',
    'nonsense',
  ];
  for (const url of others) expect(allows(url), url).toBe(false);
  expect(endpointRules([])('http://a.example.com')).toBe(false);
});

const knative = (spec: object, status: object | undefined, metadata = {}) =>
  knativeServices.find({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { namespace: 'a', name: 'k', labels: { app: 'x' }, ...metadata },
    spec,
    ...(status && { status }),
  });

test('a Service of Knative is called by the address in its status, that within the cluster first', () => {
  const address = { url: 'http://k.a.svc.cluster.local' };
  expect(knative({ template: { spec: { timeoutSeconds: 30 } } }, { url: 'http://k.a.example.com', address })).toEqual({
    namespace: 'a',
    name: 'k',
    labels: { app: 'x' },
    timeout: 30_000,
    location: { type: 'url', url: 'http://k.a.svc.cluster.local' },
  });
  expect(knative({}, { url: 'http://k.a.example.com' })).toMatchObject({
    timeout: 180_000,
    location: { url: 'http://k.a.example.com' },
  });
});

test('a Service of Knative that has no address yet, or a strange one, or is being deleted, is not called', () => {
  expect(knative({}, undefined).location).toBeUndefined();
  expect(knative({}, { url: 'file:///etc/passwd' }).location).toBeUndefined();
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  expect(knative({}, { url: 'http://k.a' }, { deletionTimestamp }).location).toBeUndefined();
});

test('a labelled Service is called on its first port, for as long as its annotation says', () => {
  const ports = [{ name: 'web', port: 80 }, { port: 81 }];
  expect(labelledService(service({ ports }, { 'trigate.dev/timeout': '5s' }))).toEqual({
    namespace: 'a',
    name: 's',
    labels: { app: 'x' },
    timeout: 5_000,
    location: { type: 'service', name: 's', port: 80, portName: 'web' },
  });
});

test('a Service that points elsewhere, or has no port, is not called', () => {
  expect(labelledService(service({ type: 'ExternalName', ports: [{ port: 80 }] })).location).toEqual({
    type: 'refused',
    why: 'its Service is of type ExternalName',
  });
  expect(labelledService(service({})).location).toBeUndefined();
});

test('what is being deleted is not called', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const one = service({ ports: [{ port: 80 }] });
  expect(labelledService({ ...one, metadata: { ...one.metadata, deletionTimestamp } }).location).toBeUndefined();
  expect(kubelessFunction({ ...fn({}), metadata: { name: 'f', deletionTimestamp } }).location).toBeUndefined();
});
