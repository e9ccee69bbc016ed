import { expect, test } from 'vitest';
import type { FunctionObject } from '../domain/function.ts';
import { kubelessFunction } from './kubeless-function.ts';
import { labelledService, type Service } from './labelled-service.ts';

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
    service: { name: 'f', port: 8080, portName: undefined },
  });
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  expect(kubelessFunction(fn({ service: { ports } })).service).toEqual({ name: 'f', port: 80, portName: 'http' });
  expect(kubelessFunction(fn({ service: { ports: [] } })).service?.port).toBe(8080);
});

test('a function that names an address of its own is not called in a cluster', () => {
  expect(kubelessFunction(fn({ endpoint: 'http://169.254.169.254' })).service).toBeUndefined();
});

test('a labelled Service is called on its first port, for as long as its annotation says', () => {
  const ports = [{ name: 'web', port: 80 }, { port: 81 }];
  expect(labelledService(service({ ports }, { 'trigate.dev/timeout': '5s' }))).toEqual({
    namespace: 'a',
    name: 's',
    labels: { app: 'x' },
    timeout: 5_000,
    service: { name: 's', port: 80, portName: 'web' },
  });
});

test('a Service that points elsewhere, or has no port, is not called', () => {
  expect(labelledService(service({ type: 'ExternalName', ports: [{ port: 80 }] })).service).toBeUndefined();
  expect(labelledService(service({})).service).toBeUndefined();
});

test('what is being deleted is not called', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const one = service({ ports: [{ port: 80 }] });
  expect(labelledService({ ...one, metadata: { ...one.metadata, deletionTimestamp } }).service).toBeUndefined();
  expect(kubelessFunction({ ...fn({}), metadata: { name: 'f', deletionTimestamp } }).service).toBeUndefined();
});
