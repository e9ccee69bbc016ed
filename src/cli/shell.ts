import type { ClientConfig, ClientTarget, ClusterTarget, Environment, Flags } from '../config/index.ts';
import type { Resources } from '../resources/resources.ts';
import type { Gateways } from './gateways.ts';
import { withHints } from './hints.ts';
import type { Messages, Terminal } from './terminal.ts';

/** What every command gets: where to speak, and the environment that src/config reads. */
export interface Shell {
  readonly terminal: Terminal;
  readonly messages: Messages;
  readonly env: Environment;
}

/** Options that every command knows. */
export interface GlobalFlags {
  readonly gateway?: string;
  readonly tokenFile?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly release?: string;
}

/** A shell with somebody to speak to: the gateway that was named, else the cluster, else the gateway of this machine. */
export interface Session extends Shell {
  /** Where a command without `-n` acts. */
  readonly namespace: string;
  /** Functions and triggers. */
  readonly resources: Resources;
  /** Topics, events and counts. */
  readonly gateways: Gateways;
  /** Who answers for both. */
  readonly target: ClientTarget['type'];
  /** The ConfigMap of Kubeless. */
  readonly kubeless: ClientConfig['kubeless'];
}

/** Runs a command against the server that flags and environment name, and leaves no connection behind. */
export async function withGateway(
  shell: Shell,
  flags: GlobalFlags,
  command: (session: Session) => Promise<void>,
): Promise<void> {
  const { readClientConfig } = await import('../config/index.ts');
  const config = readClientConfig(shell.env, clientFlags(flags));
  const { type, from } = config.target;
  await withHints(type, async () => {
    const opened = await openServer(config, shell.messages.debug);
    const { server, namespace, resources, gateways } = opened;
    try {
      shell.messages.debug(`Speaks to ${server}, named by ${from}.`);
      await command({ ...shell, namespace, resources, gateways, target: type, kubeless: config.kubeless });
    } finally {
      await opened.close();
    }
  });
}

interface Opened extends Pick<Session, 'namespace' | 'resources' | 'gateways'> {
  /** For people. */
  readonly server: string;
  close(): Promise<void>;
}

async function openServer(config: ClientConfig, say: (text: string) => void): Promise<Opened> {
  switch (config.target.type) {
    case 'gateway':
      return openGateway(config.target.url, config);
    case 'cluster':
      return openCluster(config.target, config, say);
    default:
      return config.target satisfies never;
  }
}

async function openGateway(url: string, { token, namespace = 'default' }: ClientConfig): Promise<Opened> {
  const [{ createResources }, { Gateway }, { oneGateway }] = await Promise.all([
    import('../resources/client.ts'),
    import('./gateway.ts'),
    import('./gateways.ts'),
  ]);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
  const server = `the gateway ${url}`;
  const resources = createResources({ url, headers });
  const gateways = oneGateway(new Gateway({ url, name: server, server: url, headers: async () => headers }));
  const close = async () => void (await Promise.all([resources.close(), gateways.close()]));
  return { server, namespace, resources, gateways, close };
}

async function openCluster(target: ClusterTarget, config: ClientConfig, say: (text: string) => void): Promise<Opened> {
  const [{ openCluster }, { releaseGateways }] = await Promise.all([import('./cluster.ts'), import('./release.ts')]);
  const cluster = await openCluster(target);
  const namespace = config.namespace ?? cluster.namespace ?? 'default';
  const { name, namespace: place = namespace } = config.release ?? {};
  const gateways = releaseGateways(cluster, { namespace: place, name, token: config.token, say });
  return {
    server: `the cluster ${cluster.url}`,
    namespace,
    resources: cluster.resources,
    gateways,
    close: cluster.close,
  };
}

/** An empty `-n ""` means the default, as in Kubeless. */
const clientFlags = ({ gateway, tokenFile, kubeconfig, context, namespace, release }: GlobalFlags): Flags => ({
  gateway,
  tokenFile,
  kubeconfig,
  context,
  namespace: namespace === '' ? undefined : namespace,
  release,
});
