import { beforeEach, expect, test } from 'vitest';
import { kafkaTrigger } from '../../triggers/kafka/index.ts';
import type { FunctionTarget } from '../domain/function.ts';
import type { TriggerKind } from '../domain/kind.ts';
import type { Trigger } from '../domain/trigger.ts';
import { Planner } from './planner.ts';

const kind: TriggerKind = {
  ...kafkaTrigger,
  guarantee: { promise: '', crash: '', order: '' },
  open: () => Promise.reject(new Error('is not opened here')),
};

const trigger = (more: Partial<Trigger['metadata']> = {}, spec: object = {}): Trigger => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'KafkaTrigger',
  metadata: { namespace: 'a', name: 't', uid: 'u', generation: 1, ...more },
  spec: { topic: 'orders', functionSelector: { matchLabels: { app: 'x' } }, ...spec },
});

const target = (name: string, more: Partial<FunctionTarget> = {}): FunctionTarget => ({
  namespace: 'a',
  name,
  labels: { app: 'x' },
  url: `http://${name}`,
  timeout: 1,
  ...more,
});

let planner: Planner;
beforeEach(() => {
  planner = new Planner();
});

const plan = (object: Trigger, functions: readonly FunctionTarget[]) => {
  const [found] = planner.plan([{ kind, objects: [object] }], functions);
  if (found === undefined) throw new Error('there is no plan');
  return found;
};

test('nothing is planned anew when nothing has changed, however often it is asked', () => {
  const object = trigger();
  const first = plan(object, [target('f')]);
  expect(plan(object, [target('f')])).toBe(first);
});

test('a status that comes back changes the object, and not what should run', () => {
  const first = plan(trigger(), [target('f')]);
  const second = plan({ ...trigger({ resourceVersion: '2' }), status: { functions: ['f'] } }, [target('f')]);
  expect(second.object.status).toEqual({ functions: ['f'] });
  expect(second.subscriptions).toBe(first.subscriptions);
});

test('another spec, another life of the name, and another function of the namespace are planned', () => {
  plan(trigger(), [target('f')]);
  expect(plan(trigger({ generation: 2 }, { fanout: 'shared' }), [target('f')]).subscriptions[0]?.key).toContain('/*');
  expect(plan(trigger({ uid: 'v', generation: 2 }), [target('f')]).subscriptions[0]?.subscription.trigger.uid).toBe(
    'v',
  );
  expect(plan(trigger({ uid: 'v', generation: 2 }), [target('f'), target('g')]).functions).toEqual(['f', 'g']);
  const moved = plan(trigger({ uid: 'v', generation: 2 }), [target('f', { url: 'http://other' }), target('g')]);
  expect(moved.subscriptions[0]?.targets[0]?.url).toBe('http://other');
});

test('a function of another namespace concerns nobody here', () => {
  const first = plan(trigger(), [target('f')]);
  expect(plan(first.object, [target('f'), target('g', { namespace: 'b' })])).toBe(first);
});

test('what is being deleted has no plan', () => {
  const deleted = trigger({ deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(planner.plan([{ kind, objects: [deleted] }], [target('f')])).toEqual([]);
});

test('a function joins when the status was last written without it; a status that was never written says nothing', () => {
  const joining = (status: Trigger['status']) => {
    const object = { ...trigger(), ...(status !== undefined && { status }) };
    const { subscriptions } = plan(object, [target('f')]);
    planner = new Planner();
    return subscriptions[0]?.subscription.isJoining;
  };
  expect(joining({ functions: [] })).toBe(true);
  expect(joining({ functions: ['f'] })).toBe(false);
  expect(joining(undefined)).toBe(false);
});

test('a change of nothing but the status is taken over by itself', () => {
  const first = plan(trigger(), [target('f')]);
  const written = { ...trigger({ resourceVersion: '2' }), status: { functions: ['f'] } };
  const refreshed = planner.refresh(kind, written);
  expect(refreshed).toEqual({ ...first, object: written });
  expect(planner.planOf('kafka/a/t')).toBe(refreshed);
  expect(plan(written, [target('f')])).toBe(refreshed);
});

test.each([
  ['another spec', { generation: 2 }],
  ['another life of the name', { uid: 'v' }],
  ['a trigger that is being deleted', { deletionTimestamp: '2026-01-01T00:00:00Z' }],
  ['a trigger that is not known', { name: 'other' }],
])('%s is more than that', (_what, metadata) => {
  plan(trigger(), [target('f')]);
  expect(planner.refresh(kind, trigger(metadata))).toBeUndefined();
});
