import { beforeAll } from 'vitest';
import { clusterHarness } from '../../../triggers/kubernetes/harness.ts';
import { conformance } from '../../conformance/suite.ts';
import { BUILDING_MS, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { clusterClient, installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';

beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubectlBinary()]);
}, BUILDING_MS);

conformance(
  clusterHarness(async () => {
    const api = await startKubeApi();
    await installCrds(api, (await command(['crds'])).stdout);
    const client = clusterClient(api);
    return {
      resources: client.resources,
      async stop() {
        await client[Symbol.asyncDispose]();
        await api.stop();
      },
    };
  }),
);
