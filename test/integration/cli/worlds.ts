import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from 'undici';
import { stringify } from 'yaml';
import type { Environment } from '../../../src/config/index.ts';
import { createResources } from '../../../src/resources/client.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { configMapType, namespaceType } from '../../../src/standalone/api/core-types.ts';
import { startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubelessBinary } from '../../services/kubeless/kubeless.ts';
import { clusterClient, installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';
import { cleanEnvironment, startGateway } from '../../support/gateway.ts';
import { startOldApiServer } from '../../support/old-api-server.ts';
import { tempDir } from '../../support/temp.ts';
import { commandLine, type Result } from './command-line.ts';

/** A server that both command lines can be pointed at. */
export interface World extends AsyncDisposable {
  readonly resources: Resources;
  /** Ours, in this process. Without a terminal when messages are to be compared. */
  run(args: readonly string[], terminal?: Parameters<typeof commandLine>[2], env?: Environment): Promise<Result>;
  /** Kubeless' own. */
  original(args: readonly string[]): Promise<Result>;
}

export const worlds = [
  { name: 'a standalone gateway', open: openStandalone },
  { name: 'a kube-apiserver', open: openCluster },
] as const;

const RUNTIMES = [
  { ID: 'nodejs', versions: [{ name: 'node14', version: '14' }] },
  { ID: 'python', versions: [{ name: 'python37', version: '3.7' }] },
];

/** What Kubeless' installation brings, as far as its command line asks for it. */
async function installConfig(resources: Resources): Promise<void> {
  await resources.create(namespaceType, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kubeless' } });
  await resources.create(configMapType, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kubeless-config', namespace: 'kubeless' },
    data: { 'runtime-images': JSON.stringify(RUNTIMES) },
  });
}

async function openStandalone(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await startGateway({ readyWithin: 60_000 }));
  const resources = createResources({ url: gateway.url });
  stack.defer(() => resources.close());
  await installConfig(resources);
  const old = stack.use(await startOldApiServer({ behind: gateway.url }));
  const kubeconfig = await writeKubeconfig(stack, old.url);
  return world(resources, kubeconfig, ['--gateway', gateway.url], stack.move());
}

async function openCluster(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startKubeApi());
  await installCrds(api, (await command(['crds'])).stdout);
  const { resources } = stack.use(clusterClient(api));
  await installConfig(resources);
  const dispatcher = new Agent({ connect: { ca: api.ca }, allowH2: false });
  stack.defer(() => dispatcher.destroy());
  const headers = { authorization: `Bearer ${api.token}` };
  const old = stack.use(await startOldApiServer({ behind: api.url, headers, dispatcher }));
  const kubeconfig = await writeKubeconfig(stack, old.url);
  return world(resources, kubeconfig, ['--kubeconfig', api.kubeconfig], stack.move());
}

/** Of a server that asks nobody who he is. */
async function writeKubeconfig(stack: AsyncDisposableStack, server: string): Promise<string> {
  const folder = stack.use(await tempDir('world'));
  const path = join(folder.path, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'old', cluster: { server } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'old', context: { cluster: 'old', user: 'nobody' } }],
    'current-context': 'old',
  };
  await writeFile(path, stringify(config));
  return path;
}

function world(resources: Resources, kubeconfig: string, where: readonly string[], stack: AsyncDisposableStack): World {
  return {
    resources,
    run: (args, terminal, env) => commandLine([...args, ...where], env, terminal),
    original: async (args) => kubeless(await kubelessBinary(), args, kubeconfig),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function kubeless(binary: string, args: readonly string[], kubeconfig: string): Promise<Result> {
  const options = { env: { ...cleanEnvironment(), KUBECONFIG: kubeconfig }, timeout: 30_000 };
  return new Promise((resolve) => {
    execFile(binary, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
