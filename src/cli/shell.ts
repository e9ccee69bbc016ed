import type { Environment, Flags } from '../config/index.ts';
import type { Resources } from '../resources/resources.ts';
import type { Gateway } from './gateway.ts';
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
  readonly namespace?: string;
}

/** A shell with a gateway to speak to. */
export interface Session extends Shell {
  /** Where a command without `-n` acts. */
  readonly namespace: string;
  readonly gateway: Gateway;
  readonly resources: Resources;
}

/** Runs a command against the gateway that flags and environment name, and leaves no connection behind. */
export async function withGateway(
  shell: Shell,
  flags: GlobalFlags,
  command: (session: Session) => Promise<void>,
): Promise<void> {
  const [{ readClientConfig }, { Gateway }, { createResources }] = await Promise.all([
    import('../config/index.ts'),
    import('./gateway.ts'),
    import('../resources/client.ts'),
  ]);
  const config = readClientConfig(shell.env, clientFlags(flags));
  const headers = config.token === undefined ? {} : { authorization: `Bearer ${config.token.reveal()}` };
  const resources = createResources({ url: config.gateway, headers });
  const gateway = new Gateway(config);
  try {
    await command({ ...shell, namespace: config.namespace, gateway, resources });
  } finally {
    await Promise.all([resources.close(), gateway.close()]);
  }
}

/** An empty `-n ""` means the default, as in Kubeless. */
const clientFlags = ({ gateway, tokenFile, namespace }: GlobalFlags): Flags => ({
  gateway,
  tokenFile,
  namespace: namespace === '' ? undefined : namespace,
});
