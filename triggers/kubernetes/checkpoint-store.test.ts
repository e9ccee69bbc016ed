import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createResources } from '../../src/resources/client.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { type KubernetesObject, ResourceError } from '../../src/sdk.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { WatchCheckpoint, WatchRecord } from './checkpoint.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { whole } from './position.ts';

const spec = {
  apiVersion: 'v1',
  kind: 'Pod',
  scope: 'shop',
  labelSelector: '',
  fieldSelector: '',
  identity: 'gateway',
};
const stored: WatchCheckpoint = {
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'WatchCheckpoint',
  metadata: { namespace: 'shop', name: 'pods', resourceVersion: '1' },
  spec,
};
const record: WatchRecord = {
  holder: 'me',
  writes: 1,
  position: whole('10'),
  settled: '10',
  time: 0,
  members: new Map(),
  left: undefined,
};

/** A store at a server that refuses writes with these errors, one after the other. */
function setUp(refusals: ResourceError[]) {
  const clock = new ManualClock();
  const ending = new AbortController();
  const reached: (string | undefined)[] = [];
  let writes = 0;
  const resources: Resources = {
    ...createResources({ url: 'http://127.0.0.1:1' }),
    get: async <T extends KubernetesObject>() => structuredClone(stored) as KubernetesObject as T,
    async replaceStatus(_, object) {
      writes++;
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      return object;
    },
  };
  const store = new CheckpointStore({
    resources,
    namespace: 'shop',
    name: 'pods',
    spec,
    nonce: 'me',
    clock,
    random: () => 0,
    signal: ending.signal,
    onReach: (error) => reached.push(error?.message),
  });
  const pass = async (ms: number) => {
    for (let i = 0; i < 3; i++) await nextTurn();
    clock.advance(ms);
    for (let i = 0; i < 3; i++) await nextTurn();
  };
  return { store, pass, reached, end: () => ending.abort(), writes: () => writes };
}

const busy = () => new ResourceError('GATEWAY_UNREACHABLE', 'too many requests', { retryAfter: 30_000 });

test('a busy server is asked again no sooner than it wants to be', async () => {
  const { store, pass, writes, reached } = setUp([busy(), busy()]);
  const writing = store.takeOver({ object: stored, record: undefined }, record);
  await pass(29_999);
  expect(writes()).toBe(1);
  await pass(1);
  expect(writes()).toBe(2);
  await pass(30_000);
  await writing;
  expect(writes()).toBe(3);
  expect(reached).toEqual(['too many requests', 'too many requests', undefined]);
});

test('who must end does not wait for a busy server', async () => {
  const { store, pass, end } = setUp([busy(), busy()]);
  const writing = store.takeOver({ object: stored, record: undefined }, record);
  const ended = expect(writing).rejects.toMatchObject({ code: 'CLAIM_IN_DOUBT' });
  await pass(10);
  end();
  await ended;
});

test.each([
  ['INTERNAL', 'etcdserver: request is too large'],
  [
    'INTERNAL',
    'rpc error: code = ResourceExhausted desc = trying to send message larger than max (2161302 vs. 2097152)',
  ],
  ['TOO_LARGE', 'Request entity too large: limit is 3145728'],
] as const)('what cannot be stored is told, and not tried for ever: %s %s', async (code, message) => {
  const { store, writes } = setUp([new ResourceError(code, message, {})]);
  await expect(store.takeOver({ object: stored, record: undefined }, record)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining('let fewer functions share it'),
  });
  expect(writes()).toBe(1);
  await store.write({ ...record, writes: 2 });
  expect(writes()).toBe(2);
});
