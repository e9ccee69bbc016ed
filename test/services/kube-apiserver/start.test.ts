import { beforeAll, expect, test } from 'vitest';
import { namespaceType } from '../../../src/standalone/api/core-types.ts';
import { clusterClient } from '../../support/cluster.ts';
import { kubeApiCanStart } from '../shared.ts';
import { BUILDING_MS, startKubeApi } from './start.ts';

beforeAll(kubeApiCanStart, BUILDING_MS);

test('a kube-apiserver keeps its objects, its address and its certificate over a kill', async () => {
  await using api = await startKubeApi();
  await using client = clusterClient(api);
  await client.resources.create(namespaceType, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept' } });
  await api.restart();
  const kept = await client.resources.get(namespaceType, undefined, 'kept');
  expect(kept.metadata.name).toBe('kept');
});
