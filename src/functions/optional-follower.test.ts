import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { startResourceApi } from '../../test/support/resource-api.ts';
import { TrigateError } from '../domain/errors.ts';
import { functionResource, functionType } from '../domain/function.ts';
import { ResourceError } from '../resources/resource-error.ts';
import type { Resources } from '../resources/resources.ts';
import { followIfAllowed } from './optional-follower.ts';

/** One function on a server that a test makes refuse, and a clock that it moves. */
async function startRefusing() {
  const api = await startResourceApi([functionResource]);
  onTestFinished(() => api[Symbol.asyncDispose]());
  await api.resources.create(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { namespace: 'a', name: 'f' },
    spec: {},
  });
  const clock = new ManualClock();
  const said: string[] = [];
  const say = (_: object, message: string) => said.push(message);
  let refusal: { list?: Error; watch?: Error } = {};
  let cut = Promise.withResolvers<undefined>();
  let asked = 0;
  const resources: Resources = {
    ...api.resources,
    list(type, options) {
      asked++;
      return refusal.list ? Promise.reject(refusal.list) : api.resources.list(type, options);
    },
    async watch(type, options) {
      asked++;
      if (refusal.watch) throw refusal.watch;
      const ends = cut.promise;
      return untilCut(await api.resources.watch(type, options), ends);
    },
  };
  return {
    resources,
    clock,
    said,
    asked: () => asked,
    options: {
      namespace: 'a',
      onChange: () => {},
      clock,
      random: () => 0,
      log: { debug: () => {}, info: say, warn: say, error: say },
      signal: new AbortController().signal,
    },
    /** From now on; a watch that is open ends, as each does after some minutes. */
    refuse(next: typeof refusal) {
      refusal = next;
      cut.resolve(undefined);
      cut = Promise.withResolvers();
    },
    /** Lets time pass until it is so. */
    passes: (probe: () => boolean) =>
      expect
        .poll(
          () => {
            clock.advance(1_000);
            return probe();
          },
          { timeout: 10_000, interval: 5 },
        )
        .toBe(true),
  };
}

async function* untilCut<T>(events: AsyncIterable<T>, cut: Promise<undefined>): AsyncGenerator<T> {
  const iterator = events[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), cut]);
    if (next === undefined || next.done) return;
    yield next.value;
  }
}

const forbidden = new TrigateError('FORBIDDEN', 'may not');
const notFound = new TrigateError('NOT_FOUND', 'is not there');
const WITHOUT = 'without functions';

test('what may not be read is nothing that is known, and is followed when it may', async () => {
  const server = await startRefusing();
  server.refuse({ list: forbidden });
  const { clock, said } = server;
  let changes = 0;
  const options = { ...server.options, onChange: () => changes++ };
  const follower = followIfAllowed(server.resources, functionType, options, WITHOUT);
  await follower.synced;
  expect([follower.objects(), said]).toEqual([undefined, [WITHOUT]]);
  server.refuse({});
  clock.advance(60_000);
  await expect.poll(() => follower.objects()?.size, { timeout: 10_000 }).toBe(1);
  expect(said).toEqual([WITHOUT, 'can be read now']);
  expect(changes).toBeGreaterThan(0);
  await follower.close();
  expect(clock.pending).toBe(0);
});

test.each([
  ['may not be read any more', { list: forbidden, watch: forbidden }],
  ['is not installed any more', { list: notFound, watch: notFound }],
])('what %s is forgotten after half a minute, said once, and followed again when it may be', async (_, refusal) => {
  const server = await startRefusing();
  const { clock, said } = server;
  let changes = 0;
  const options = { ...server.options, onChange: () => changes++ };
  const follower = followIfAllowed(server.resources, functionType, options, WITHOUT);
  await follower.synced;
  server.refuse(refusal);
  await server.passes(() => said.includes(refusal.watch.message));
  const before = changes;
  clock.advance(29_000);
  await expect.poll(() => clock.pending).toBeGreaterThan(0);
  expect(follower.objects()?.size).toBe(1);
  await server.passes(() => follower.objects() === undefined);
  expect(changes).toBe(before + 1);
  const asked = server.asked();
  await server.passes(() => server.asked() > asked + 1);
  expect(said).toEqual([refusal.watch.message, WITHOUT]);
  server.refuse({});
  await server.passes(() => follower.objects()?.size === 1);
  expect(said.slice(2)).toEqual(['can be read now']);
  await follower.close();
  expect(clock.pending).toBe(0);
});

test('a server that refuses for a moment, and one that is away for long, take nothing with them', async () => {
  const server = await startRefusing();
  const { clock, said } = server;
  const follower = followIfAllowed(server.resources, functionType, server.options, WITHOUT);
  await follower.synced;
  const away = new TrigateError('GATEWAY_UNREACHABLE', 'is away');
  for (const watch of [forbidden, away, forbidden, away]) {
    const [from, asked] = [clock.monotonic(), server.asked()];
    server.refuse({ watch });
    await server.passes(() => clock.monotonic() - from >= 20_000 && server.asked() > asked);
    expect(follower.objects()?.size).toBe(1);
  }
  expect(said).not.toContain(WITHOUT);
  await follower.close();
});

test('what may be listed and not watched is not known', async () => {
  const server = await startRefusing();
  server.refuse({ watch: forbidden });
  const follower = followIfAllowed(server.resources, functionType, server.options, WITHOUT);
  await follower.synced;
  expect([follower.objects(), server.said]).toEqual([undefined, [WITHOUT]]);
  await follower.close();
});

test('a server that is busy is asked again no sooner than it says', async () => {
  const server = await startRefusing();
  const { clock } = server;
  server.refuse({ list: new ResourceError('GATEWAY_UNREACHABLE', 'busy', { retryAfter: 30_000 }) });
  const follower = followIfAllowed(server.resources, functionType, server.options, WITHOUT);
  await expect.poll(() => clock.pending).toBe(1);
  server.refuse({});
  clock.advance(29_999);
  expect([clock.pending, server.asked()]).toEqual([1, 1]);
  clock.advance(1);
  await follower.synced;
  expect(follower.objects()?.size).toBe(1);
  await follower.close();
});
