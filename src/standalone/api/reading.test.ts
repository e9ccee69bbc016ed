import { describe, expect, test } from 'vitest';
import { functionResource } from '../../domain/function.ts';
import { readAccept } from './accept.ts';
import { humanDuration } from './age.ts';
import { configMapType, namespaceType } from './core-types.ts';
import { valueAt } from './table.ts';
import { parseTarget } from './target.ts';

describe('parseTarget', () => {
  const types = [functionResource, namespaceType, configMapType];
  const read = (path: string) => {
    const target = parseTarget(path, types);
    if (target === undefined) return undefined;
    const { resource, namespace } = target;
    const where = `${resource.plural} in ${namespace ?? '*'}`;
    return target.type === 'collection' ? where : [where, target.name, target.subresource ?? ''].join(' ').trim();
  };

  test.each([
    ['/apis/kubeless.io/v1beta1/functions', 'functions in *'],
    ['/apis/kubeless.io/v1beta1/namespaces/a/functions', 'functions in a'],
    ['/apis/kubeless.io/v1beta1/namespaces/a/functions/f', 'functions in a f'],
    ['/apis/kubeless.io/v1beta1/namespaces/a/functions/f/status', 'functions in a f status'],
    ['/apis/kubeless.io/v1beta1/namespaces/a/functions/f%2Fstatus', 'functions in a f/status'],
    ['/api/v1/namespaces', 'namespaces in *'],
    ['/api/v1/namespaces/a', 'namespaces in  a'],
    ['/api/v1/namespaces/a/status', 'namespaces in  a status'],
    ['/api/v1/namespaces/a/configmaps', 'configmaps in a'],
    ['/api/v1/namespaces/configmaps/configmaps/c', 'configmaps in configmaps c'],
    ['/api/v1/functions', undefined],
    ['/apis/kubeless.io/v1beta1/functions/f', undefined],
    ['/apis/kubeless.io/v1beta1/namespaces//functions/f', undefined],
    ['/apis/kubeless.io/v1beta1/namespaces/a/functions/', undefined],
    ['/apis/kubeless.io/v1beta1/namespaces/a/functions/%zz', undefined],
    ['/apis', undefined],
  ])('%s is %s', (path, target) => {
    expect(read(path)).toBe(target);
  });
});

test.each([
  [undefined, { type: 'object' }],
  ['*/*', { type: 'object' }],
  ['application/vnd.kubernetes.protobuf,application/json', { type: 'object' }],
  ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { type: 'table', apiVersion: 'meta.k8s.io/v1' }],
  ['application/json;as=Table;v=v9;g=meta.k8s.io, application/json', { type: 'object' }],
  ['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', { type: 'object' }],
])('Accept: %s', (header, wanted) => {
  expect(readAccept(header)).toEqual(wanted);
});

test.each([
  [-5_000, '<invalid>'],
  [-1_000, '0s'],
  [119_000, '119s'],
  [125_000, '2m5s'],
  [600_000, '10m'],
  [11_100_000, '3h5m'],
  [8 * 3_600_000, '8h'],
  [50 * 3_600_000, '2d2h'],
  [9 * 86_400_000, '9d'],
  [800 * 86_400_000, '2y70d'],
  [9 * 365 * 86_400_000, '9y'],
])('%d ms is the age %s', (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

test('a column path leads into objects and picks conditions by type', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'X',
    metadata: { name: 'x' },
    spec: { 'function-name': 'f' },
    status: {
      conditions: [
        { type: 'A', status: 'False' },
        { type: 'Ready', status: 'True' },
      ],
    },
  };
  expect(valueAt(object, '.spec.function-name')).toBe('f');
  expect(valueAt(object, '.status.conditions[Ready].status')).toBe('True');
  expect(valueAt(object, '.status.conditions[Gone].status')).toBeUndefined();
  expect(valueAt(object, '.spec.constructor.name')).toBeUndefined();
});
