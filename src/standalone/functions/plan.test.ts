import { describe, expect, test } from 'vitest';
import type { FunctionObject, FunctionSpec } from '../../domain/function.ts';
import { planFunction } from './plan.ts';

const good = { runtime: 'nodejs24', handler: 'orders.handler', function: 'exports.handler = 1;' };

const functionWith = (spec: FunctionSpec): FunctionObject => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'Function',
  metadata: { name: 'orders' },
  spec,
});
const podOf = (container: object) => ({ spec: { template: { spec: { containers: [container] } } } });
const planOf = (spec: FunctionSpec) => planFunction(functionWith(spec));

test('a function with an endpoint is run elsewhere, whatever else it says', () => {
  expect(planOf({ ...good, endpoint: 'http://localhost:1' })).toEqual({ type: 'elsewhere' });
});

test('text and base64 are the same code', () => {
  const text = planOf({ ...good, 'function-content-type': 'text' });
  const encoded = {
    ...good,
    'function-content-type': 'base64',
    function: Buffer.from(good.function).toString('base64'),
  };
  expect(text).toMatchObject({
    type: 'run',
    language: 'nodejs',
    module: 'orders',
    handler: 'handler',
    timeoutMs: 180_000,
  });
  expect(planOf(encoded)).toEqual(text);
});

describe('what cannot run here is refused with a reason and a sentence', () => {
  test.each<[string, FunctionSpec, string, string]>([
    ['no code', { runtime: 'nodejs24', handler: 'a.b' }, 'NoCode', 'neither spec.function nor spec.endpoint'],
    [
      'a variable from a Secret',
      { ...good, deployment: podOf({ env: [{ name: 'KEY', valueFrom: { secretKeyRef: {} } }] }) },
      'ContainerNotSupported',
      'KEY has valueFrom',
    ],
    [
      'a volume',
      { ...good, deployment: podOf({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }) },
      'ContainerNotSupported',
      'v at /v',
    ],
    ['no Deployment', { ...good, deployment: 'x' }, 'ContainerNotSupported', 'spec.deployment is not a Deployment'],
    ['no runtime', { ...good, runtime: undefined }, 'UnsupportedRuntime', 'spec.runtime is missing'],
    ['another runtime', { ...good, runtime: 'go1.14' }, 'UnsupportedRuntime', 'spec.runtime is "go1.14"'],
    ['no handler', { ...good, handler: undefined }, 'InvalidHandler', 'spec.handler is missing'],
    ['a handler that leads elsewhere', { ...good, handler: '/etc/x.y' }, 'InvalidHandler', 'must be module.function'],
    [
      'a URL',
      { ...good, 'function-content-type': 'url' },
      'UnsupportedContentType',
      'not supported by the local runner',
    ],
    ['an archive', { ...good, 'function-content-type': 'base64+zip' }, 'UnsupportedContentType', 'text and base64'],
    ['packages', { ...good, deps: '{"dependencies":{"a":"1"}}' }, 'DependenciesNotSupported', 'does not install'],
    ['requirements', { ...good, runtime: 'python3', deps: 'a==1' }, 'DependenciesNotSupported', 'does not install'],
  ] as never)('%s', (_, spec, reason, sentence) => {
    const plan = planOf(spec);
    expect(plan).toMatchObject({ type: 'refuse', reason, message: expect.stringContaining(sentence) });
  });
});

test.each([
  ['nodejs24', ' \n'],
  ['nodejs24', '{"name":"a","dependencies":{}}'],
  ['python3', '# nothing\n\n'],
])('deps that name no package are no hindrance (%s)', (runtime, deps) => {
  expect(planOf({ ...good, runtime, deps })).toMatchObject({ type: 'run' });
});

test('the version changes with what the process is made of, and with nothing else', () => {
  const versionOf = (object: FunctionObject) => {
    const plan = planFunction(object);
    return plan.type === 'run' ? plan.version : undefined;
  };
  const version = versionOf(functionWith(good));
  const labelled = { ...functionWith(good), metadata: { name: 'orders', labels: { a: 'b' } } };
  expect(versionOf(labelled)).toBe(version);
  for (const change of [{ timeout: '3' }, { function: 'x' }, { handler: 'orders.other' }, { runtime: 'nodejs22' }]) {
    expect(versionOf(functionWith({ ...good, ...change }))).not.toBe(version);
  }
});
