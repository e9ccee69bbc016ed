import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { startResourceApi } from '../../test/support/resource-api.ts';
import { TrigateError } from '../domain/errors.ts';
import { functionResource, functionType } from '../domain/function.ts';
import type { Resources } from '../resources/resources.ts';
import { followIfAllowed } from './optional-follower.ts';

test('what may not be read is nothing that is known, and is followed when it may', async () => {
  const api = await startResourceApi([functionResource]);
  onTestFinished(() => api[Symbol.asyncDispose]());
  const object = {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { namespace: 'a', name: 'f' },
    spec: {},
  };
  await api.resources.create(functionType, object);
  let mayRead = false;
  const resources: Resources = {
    ...api.resources,
    list: (type, options) => {
      if (!mayRead) return Promise.reject(new TrigateError('FORBIDDEN', 'may not'));
      return api.resources.list(type, options);
    },
  };
  const clock = new ManualClock();
  const said: string[] = [];
  const say = (_: object, message: string) => said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  let changes = 0;
  const options = {
    namespace: 'a',
    onChange: () => changes++,
    clock,
    random: () => 0,
    log,
    signal: new AbortController().signal,
  };
  const follower = followIfAllowed(resources, functionType, options, 'without functions');
  await follower.synced;
  expect([follower.objects(), said]).toEqual([undefined, ['without functions']]);
  mayRead = true;
  clock.advance(60_000);
  await expect.poll(() => follower.objects()?.size, { timeout: 10_000 }).toBe(1);
  expect(said.slice(0, 2)).toEqual(['without functions', 'can be read now']);
  expect(changes).toBeGreaterThan(0);
  await follower.close();
  expect(clock.pending).toBe(0);
});
