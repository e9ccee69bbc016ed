import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { silent } from '../../test/support/topic-log.ts';
import type { ClusterConfig } from '../config/index.ts';
import { createResources } from '../resources/client.ts';
import { ResourceError } from '../resources/resource-error.ts';
import { functionsNamespace } from './cluster.ts';

const config: ClusterConfig = {
  access: { type: 'kubeconfig', files: [], context: undefined },
  functionsNamespace: undefined,
  functionEndpoints: [],
  podIps: [],
  kubeless: { namespace: 'kubeless', config: 'kubeless-config' },
};

test('a busy API server is asked for the namespace of functions no sooner than it wants to be', async () => {
  const clock = new ManualClock();
  const answers = [
    new ResourceError('GATEWAY_UNREACHABLE', 'too many requests', { retryAfter: 30_000 }),
    new ResourceError('NOT_FOUND', 'no Kubeless here', {}),
  ];
  let asked = 0;
  const get = async () => {
    throw answers[asked++];
  };
  const resources = { ...createResources({ url: 'http://127.0.0.1:1' }), get };
  const { signal } = new AbortController();
  const found = functionsNamespace(resources, config, { clock, random: () => 0, log: silent, signal });
  for (let i = 0; i < 3; i++) await nextTurn();
  clock.advance(29_999);
  for (let i = 0; i < 3; i++) await nextTurn();
  expect(asked).toBe(1);
  clock.advance(1);
  expect(await found).toBeUndefined();
  expect(asked).toBe(2);
});
