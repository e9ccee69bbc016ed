import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/resource.ts';
import type { Resources, WatchOptions } from '../resources/resources.ts';
import { serviceType } from './labelled-service.ts';
import { followIfAllowed } from './optional-follower.ts';

const refused = () => Promise.reject(new TrigateError('FORBIDDEN', 'may not'));
/** A watch on which nothing happens. */
const watch = (_: unknown, { signal }: WatchOptions) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new TrigateError('GATEWAY_UNREACHABLE', 'given up')));
  });
const found: KubernetesObject = { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'a', name: 's' } };

test('what may not be read is nothing that is known, and is followed when it may', async () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const say = (_: object, message: string) => said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  let mayRead = false;
  let changes = 0;
  const list = () =>
    mayRead ? Promise.resolve({ items: [found], resourceVersion: '1', continue: undefined }) : refused();
  const resources = { list, watch } as unknown as Resources;
  const options = {
    namespace: 'a',
    onChange: () => changes++,
    clock,
    random: () => 0,
    log,
    signal: new AbortController().signal,
  };
  const follower = followIfAllowed(resources, serviceType, options, 'without Services');
  await follower.synced;
  expect([follower.objects(), said]).toEqual([undefined, ['without Services']]);
  mayRead = true;
  clock.advance(60_000);
  await expect.poll(() => follower.objects()?.size).toBe(1);
  expect(said).toEqual(['without Services', 'can be read now']);
  expect(changes).toBeGreaterThan(0);
  await follower.close();
  expect(clock.pending).toBe(0);
});
