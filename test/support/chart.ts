import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubeApi, kubeconfig } from '../services/kube-apiserver/start.ts';
import { kubectlOk } from './cluster.ts';
import { type ControllerProcess, startController } from './controller-process.ts';
import { CHART, deployment, helm } from './helm.ts';

/** A release of the chart, in a namespace of its own, whose Deployments are run by the test: there is no kubelet. */
export interface Release {
  readonly namespace: string;
  /** A controller as its Deployment says, with a token of its ServiceAccount. Not ready yet where `ready` is false. */
  start(kind: string, env?: Readonly<Record<string, string>>): Promise<ControllerProcess>;
}

/** Of the environment of the pod: what is about its own network and its mounted files has no place outside of one. */
const OF_THE_POD = new Set(['TRIGATE_HOST', 'TRIGATE_PORT', 'TRIGATE_TOKEN_FILE', 'POD_IPS']);

/**
 * Installs the chart.
 * @param folder of the test
 * @param values as `--set` takes them
 */
export async function installRelease(
  api: KubeApi,
  folder: string,
  namespace: string,
  values: readonly string[],
): Promise<Release> {
  await kubectlOk(api, ['create', 'namespace', namespace]);
  const set = values.flatMap((value) => ['--set', value]);
  const args = ['install', 'trigate', CHART, '-n', namespace, '--take-ownership', ...set];
  const { code, stderr } = await helm(folder, args, { KUBECONFIG: api.kubeconfig });
  if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}: ${stderr}`);
  return {
    namespace,
    async start(kind, env = {}) {
      const stored = await kubectlOk(api, ['get', 'deployment', '-n', namespace, `trigate-${kind}`, '-o', 'json']);
      const { serviceAccountName, containers } = deployment.parse(JSON.parse(stored)).spec.template.spec;
      const token = await kubectlOk(api, ['create', 'token', serviceAccountName, '-n', namespace]);
      const path = join(folder, `${namespace}-${serviceAccountName}`);
      await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
      const [container] = containers;
      const variables = (container?.env ?? []).flatMap(({ name, value }) =>
        value === undefined || OF_THE_POD.has(name) ? [] : [[name, value] as const],
      );
      const [, ...args] = container?.args ?? [];
      return startController(args, { ...Object.fromEntries(variables), KUBECONFIG: path, ...env });
    },
  };
}
