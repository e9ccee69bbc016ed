import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createResources } from '../../src/resources/client.ts';
import type { Resources, WatchOptions } from '../../src/resources/resources.ts';
import { type KubernetesObject, ResourceError, type ResourceType, type WatchEvent } from '../../src/sdk.ts';
import { configMapType } from '../../src/standalone/api/core-types.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { silent } from '../../test/support/topic-log.ts';
import { Budget } from './backlog.ts';
import { KnownObjects } from './known-objects.ts';
import { ObjectStream } from './stream.ts';

type Answer = ResourceError | readonly WatchEvent[] | 'silence';

/** A stream that begins at version 10, at a server that answers its watches one after the other. */
function setUp(answers: Answer[]) {
  const clock = new ManualClock();
  const ending = new AbortController();
  const watches: (string | undefined)[] = [];
  const states: (string | undefined)[] = [];
  let lists = 0;
  let head = '10';
  const resources: Resources = {
    ...createResources({ url: 'http://127.0.0.1:1' }),
    async list() {
      lists++;
      return { items: [], resourceVersion: '10', continue: undefined };
    },
    async watch<T extends KubernetesObject>(_: ResourceType, { resourceVersion, signal }: WatchOptions) {
      watches.push(resourceVersion);
      const answer = answers.shift() ?? 'silence';
      if (answer instanceof ResourceError) throw answer;
      return told<T>(answer, signal);
    },
  };
  const stream = new ObjectStream({
    resources,
    type: configMapType,
    scope: {},
    known: new KnownObjects({ most: 10, mostBytes: 1_000, budget: new Budget(1_000) }),
    isComparable: false,
    mostChanges: 10,
    heardAt: 0,
    clock,
    random: () => 0,
    log: silent,
    signal: ending.signal,
    oldestPosition: () => head,
    head: () => head,
    onExpired: async () => false,
    onBegin() {},
    onChange: () => true,
    hold: () => undefined,
    onPassed(version) {
      head = version;
    },
    onGap() {},
    onState: (error) => states.push(error?.message),
  });
  const running = stream.run();
  onTestFinished(async () => {
    ending.abort();
    await running;
  });
  const pass = async (ms: number) => {
    await nextTurn();
    clock.advance(ms);
    for (let i = 0; i < 3; i++) await nextTurn();
  };
  return { watches, states, pass, lists: () => lists };
}

async function* told<T extends KubernetesObject>(
  answer: readonly WatchEvent[] | 'silence',
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  if (answer === 'silence') {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason));
    await promise;
    return;
  }
  for (const event of answer) if (event.type === 'BOOKMARK') yield event;
}

test('a watch that is refused for now goes on where it was, when the server wants it to, and lists nothing', async () => {
  const busy = new ResourceError('GATEWAY_UNREACHABLE', 'too many requests', { retryAfter: 5_000 });
  const { watches, states, pass, lists } = setUp([busy]);
  await pass(4_999);
  expect(watches).toEqual(['10']);
  await pass(1);
  expect(watches).toEqual(['10', '10']);
  expect(states).toEqual(['too many requests', undefined]);
  expect(lists()).toBe(1);
});

test('a server that lags behind the one before is asked again, from the same version', async () => {
  const lagging = new ResourceError('GATEWAY_UNREACHABLE', 'Too large resource version: 10, current: 9', {});
  const { watches, pass, lists } = setUp([lagging, lagging]);
  await pass(250);
  await pass(500);
  expect(watches).toEqual(['10', '10', '10']);
  expect(lists()).toBe(1);
});

test('a watch that the server ends goes on where its last bookmark stood, at once', async () => {
  const { watches, pass, lists } = setUp([[{ type: 'BOOKMARK', resourceVersion: '12' }]]);
  await pass(0);
  // What has that very version may still be on its way.
  expect(watches).toEqual(['10', '11']);
  expect(lists()).toBe(1);
});

test('silence is a dead connection: another one takes its place', async () => {
  const { watches, states, pass } = setUp(['silence', 'silence']);
  await pass(149_000);
  expect(watches).toEqual(['10']);
  await pass(2_000);
  await pass(250);
  expect(watches).toEqual(['10', '10']);
  expect(states).toEqual([undefined, expect.stringContaining('silent for 150 s'), undefined]);
});

test('a streaming list that does not come to its end is made by pages', async () => {
  const forgotten = new ResourceError('EXPIRED', 'too old', {});
  const { watches, pass, lists } = setUp([forgotten, []]);
  await pass(0);
  await pass(0);
  expect(watches).toEqual(['10', undefined, '10']);
  expect(lists()).toBe(2);
});
