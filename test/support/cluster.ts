import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Agent } from 'undici';
import { createResources } from '../../src/resources/client.ts';
import type { Resources } from '../../src/resources/resources.ts';
import type { KubeApi } from '../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../services/kubectl/kubectl.ts';
import { eventually } from './eventually.ts';

export interface ClusterClient extends AsyncDisposable {
  readonly resources: Resources;
}

/** A client of the API server; the administrator's. */
export function clusterClient({ url, ca, token }: Pick<KubeApi, 'url' | 'ca' | 'token'>): ClusterClient {
  const dispatcher = new Agent({ connect: { ca }, allowH2: false });
  const resources = createResources({ url, dispatcher, headers: { authorization: `Bearer ${token}` } });
  return {
    resources,
    async [Symbol.asyncDispose]() {
      await resources.close();
      await dispatcher.destroy();
    },
  };
}

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl as the administrator; the input goes to `-f -`. */
export async function kubectl(
  api: Pick<KubeApi, 'kubeconfig'>,
  args: readonly string[],
  input = '',
): Promise<KubectlResult> {
  const child = spawn(await kubectlBinary(), args, { env: { ...process.env, KUBECONFIG: api.kubeconfig } });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** The same where it must succeed; answers what it printed. */
export async function kubectlOk(
  api: Pick<KubeApi, 'kubeconfig'>,
  args: readonly string[],
  input = '',
): Promise<string> {
  const { code, stdout, stderr } = await kubectl(api, args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** Installs the CustomResourceDefinitions and waits until the API server serves them. */
export async function installCrds(api: Pick<KubeApi, 'kubeconfig'>, crds: string): Promise<void> {
  await kubectlOk(api, ['apply', '--server-side', '-f', '-'], crds);
  await kubectlOk(api, ['wait', '--for=condition=Established', '--timeout=30s', '-f', '-'], crds);
  const stored = await kubectlOk(api, ['get', '-f', '-', '-o', 'name'], crds);
  const names = stored
    .trim()
    .split('\n')
    .map((line) => line.replace(/^.*\//, ''));
  // One that is established may answer "storage is (re)initializing" for a while.
  const list = () => kubectlOk(api, ['get', names.join(','), '-A', '-o', 'name']);
  await eventually('they can be listed', () => list().then(() => true), { within: 60_000 });
}
