import { expect, test } from 'vitest';
import { z } from 'zod';
import type { FunctionTarget } from '../domain/function.ts';
import type { TriggerKind } from '../domain/kind.ts';
import { delivery, type Trigger } from '../domain/trigger.ts';
import { planTrigger } from './reconcile.ts';
import { conditionsOf } from './status.ts';

const kind: TriggerKind = {
  name: 'nats',
  resource: {
    group: 'kubeless.io',
    version: 'v1beta1',
    kind: 'NATSTrigger',
    plural: 'natstriggers',
    singular: 'natstrigger',
    shortNames: [],
    namespaced: true,
  },
  eventNamespace: '',
  eventType: '',
  spec: z.object({ functionSelector: z.object({}), delivery, fanout: z.enum(['isolated', 'shared']) }),
  guarantee: { promise: '', crash: '', order: '' },
  open: () => Promise.reject(new Error('is not opened here')),
};

const object: Trigger = {
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'NATSTrigger',
  metadata: { namespace: 'a', name: 't' },
  spec: { functionSelector: {}, delivery: {}, fanout: 'isolated' },
};

const target = (name: string, refusal?: string): FunctionTarget => ({
  namespace: 'a',
  name,
  labels: {},
  url: undefined,
  timeout: 1,
  refusal,
});

const connected = { source: { type: 'connected', message: 'reads' }, stuck: undefined, progress: undefined } as const;

function said(functions: readonly FunctionTarget[], type: string, running = [connected]) {
  const found = conditionsOf(planTrigger(kind, object, functions), running).find(
    (condition) => condition.type === type,
  );
  return found && [found.status, found.reason, found.message];
}

test('a function that may not be called makes its trigger not ready, with the function and the rule', () => {
  const sentence = 'function b is not called: its Service is of type ExternalName';
  const functions = [target('a'), target('b', 'its Service is of type ExternalName')];
  expect(said(functions, 'Delivering')).toEqual(['False', 'FunctionRefused', sentence]);
  expect(said(functions, 'Ready')).toEqual(['False', 'FunctionRefused', sentence]);
  expect(said(functions, 'FunctionsMatched')?.[0]).toBe('True');
  const more = [...functions, target('c', 'too'), target('d', 'too')];
  expect(said(more, 'Ready')?.[2]).toBe(`${sentence}; nor are 2 others`);
  expect(said([target('a')], 'Ready')?.[0]).toBe('True');
});
