import { expect, test } from 'vitest';
import { startResourceApi } from '../../test/support/resource-api.ts';
import { createCronJobKind, cronJobTriggerType } from '../../triggers/cronjob/index.ts';
import { servedTypes } from '../cli/served-types.ts';
import type { FunctionTarget } from '../domain/function.ts';
import type { Trigger } from '../domain/trigger.ts';
import type { Resources } from '../resources/resources.ts';
import { planTrigger } from './reconcile.ts';
import { StatusStores } from './status-store.ts';

const kind = createCronJobKind({ alone: true });
const f: FunctionTarget = { namespace: 'default', name: 'f', labels: {}, url: undefined, timeout: 1_000 };

async function makeTrigger(resources: Resources): Promise<Trigger> {
  return resources.create<Trigger>(cronJobTriggerType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'CronJobTrigger',
    metadata: { name: 't', namespace: 'default' },
    spec: { schedule: '@daily', 'function-name': 'f' },
  });
}

async function start() {
  const api = await startResourceApi(servedTypes([kind]));
  const object = await makeTrigger(api.resources);
  const [desired] = planTrigger(kind, object, [f]).subscriptions;
  if (desired === undefined) throw new Error('nothing to run');
  const stores = new StatusStores(api.resources);
  const get = () => api.resources.get<Trigger>(cronJobTriggerType, 'default', 't');
  return { api, stores, store: stores.of(desired), get, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

test('a value is stored under its group, beside the rest of the status', async () => {
  await using at = await start();
  await at.api.resources.patch(
    cronJobTriggerType,
    'default',
    't',
    { status: { functions: ['f'] } },
    { subresource: 'status' },
  );
  const first = await at.store.read();
  expect(first).toMatchObject({ value: undefined, isCurrent: true });
  const second = await first.swap({ n: 1 });
  expect(second).toMatchObject({ value: { n: 1 }, isCurrent: true });
  expect(await second?.swap({ n: 2 })).toMatchObject({ value: { n: 2 } });
  expect((await at.get()).status).toMatchObject({ functions: ['f'], claims: { f: { n: 2 } } });
});

test('a swap stores nothing when somebody has written since', async () => {
  await using at = await start();
  const [one, other] = [await at.store.read(), await at.store.read()];
  expect(await one.swap({ by: 'one' })).toBeDefined();
  expect(await other.swap({ by: 'other' })).toBeUndefined();
  expect(await at.store.read()).toMatchObject({ value: { by: 'one' } });
});

test('another spec, or another object of the name, is not current; one that is gone is said', async () => {
  await using at = await start();
  await at.api.resources.patch(cronJobTriggerType, 'default', 't', { spec: { schedule: '@hourly' } });
  expect(await at.store.read()).toMatchObject({ isCurrent: false });
  await at.api.resources.delete(cronJobTriggerType, 'default', 't');
  await expect(at.store.read()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await makeTrigger(at.api.resources);
  expect(await at.store.read()).toMatchObject({ isCurrent: false });
});

test('who listens hears of each version once, and only of its object', async () => {
  await using at = await start();
  const heard: unknown[] = [];
  const cancel = at.store.onChange(({ value }) => void heard.push(value));
  await (await at.store.read()).swap(1);
  const object = await at.get();
  at.stores.changed(object);
  at.stores.changed(object);
  at.stores.changed({ ...object, metadata: { ...object.metadata, uid: 'another', resourceVersion: 'x' } });
  cancel();
  at.stores.changed({ ...object, metadata: { ...object.metadata, resourceVersion: 'y' } });
  expect(heard).toEqual([1]);
});
