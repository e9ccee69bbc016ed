import type { ClientConfig, ClientTarget, Environment, Flags } from '../config/index.ts';
import type { Resources } from '../resources/resources.ts';
import type { Gateway } from './gateway.ts';
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
}

/** A shell with a gateway to speak to: the one that was named, else that of this machine. It has topics, events, counts. */
export interface GatewaySession extends Shell {
  readonly gateway: Gateway;
}

/** A shell with somebody to speak to about functions and triggers, too. */
export interface Session extends GatewaySession {
  /** Where a command without `-n` acts. */
  readonly namespace: string;
  /** Functions and triggers: of the gateway that was named, else of the cluster, else of this machine. */
  readonly resources: Resources;
  /** Who answers for `resources`. */
  readonly target: ClientTarget['type'];
  /** The ConfigMap of Kubeless. */
  readonly kubeless: ClientConfig['kubeless'];
}

/** Runs a command against the servers that flags and environment name, and leaves no connection behind. */
export async function withGateway(
  shell: Shell,
  flags: GlobalFlags,
  command: (session: Session) => Promise<void>,
): Promise<void> {
  const { config, gateway } = await openGateway(shell, flags);
  const target = config.resources.type;
  const opened = await withHints(target, () => openResources(config.resources, config.token?.reveal()));
  shell.messages.debug(`Resources are those of ${opened.server}, named by ${config.resources.from}.`);
  try {
    const session: Session = {
      ...shell,
      namespace: config.namespace ?? opened.namespace ?? 'default',
      gateway,
      resources: opened.resources,
      target,
      kubeless: config.kubeless,
    };
    await withHints(target, () => command(session));
  } finally {
    await Promise.all([opened.close(), gateway.close()]);
  }
}

/** The same for what only a gateway has: no cluster is looked at. */
export async function withGatewayOnly(
  shell: Shell,
  flags: GlobalFlags,
  command: (session: GatewaySession) => Promise<void>,
): Promise<void> {
  const { gateway } = await openGateway(shell, flags);
  try {
    await withHints('gateway', () => command({ ...shell, gateway }));
  } finally {
    await gateway.close();
  }
}

async function openGateway(shell: Shell, flags: GlobalFlags) {
  const [{ readClientConfig }, { Gateway }] = await Promise.all([import('../config/index.ts'), import('./gateway.ts')]);
  const config = readClientConfig(shell.env, clientFlags(flags));
  return { config, gateway: new Gateway(config.gateway, config.token, (text) => shell.messages.debug(text)) };
}

interface Opened {
  /** For people. */
  readonly server: string;
  /** Of the context. */
  readonly namespace: string | undefined;
  readonly resources: Resources;
  close(): Promise<void>;
}

async function openResources(target: ClientTarget, token: string | undefined): Promise<Opened> {
  switch (target.type) {
    case 'gateway': {
      const { createResources } = await import('../resources/client.ts');
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const resources = createResources({ url: target.url, headers });
      return { server: `the gateway ${target.url}`, namespace: undefined, resources, close: () => resources.close() };
    }
    case 'cluster': {
      const { openCluster } = await import('./cluster.ts');
      const { url, namespace, resources, close } = await openCluster(target);
      return { server: `the cluster ${url}`, namespace, resources, close };
    }
    default:
      return target satisfies never;
  }
}

/** An empty `-n ""` means the default, as in Kubeless. */
const clientFlags = ({ gateway, tokenFile, kubeconfig, context, namespace }: GlobalFlags): Flags => ({
  gateway,
  tokenFile,
  kubeconfig,
  context,
  namespace: namespace === '' ? undefined : namespace,
});
