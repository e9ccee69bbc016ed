import type { Command } from 'commander';
import type { GlobalFlags, Shell } from '../shell.ts';

interface ServeFlags extends GlobalFlags {
  readonly filename: readonly string[];
  readonly port?: string;
  readonly host?: string;
  readonly dataDir?: string;
  readonly logLevel?: string;
  readonly shutdownDeadline?: string;
}

export function declareServe(program: Command, shell: Shell): void {
  program
    .command('serve')
    .description('run a gateway in this process')
    .option('-f, --filename <path>', 'manifests to apply and follow; may be repeated', append, [])
    .option('--port <port>', 'port; 0 takes a free one (default: 8080, or the next free one)')
    .option('--host <address>', 'address; another one than loopback needs a token (default: 127.0.0.1)')
    .option('--data-dir <path>', 'where topics, positions and objects are kept (default: .trigate)')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (default: info)')
    .option('--shutdown-deadline <duration>', 'how long calls may take to end at the end (default: 25s)')
    .addHelpText('after', '\nExample:\n  $ trigate serve -f examples --port 8080\n')
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<ServeFlags>();
      const [{ readConfig, readClusterConfig }, { serve }] = await Promise.all([
        import('../../config/index.ts'),
        import('../serve.ts'),
      ]);
      const {
        filename: manifests,
        port,
        host,
        dataDir,
        logLevel,
        shutdownDeadline,
        tokenFile,
        kubeconfig,
        context,
      } = flags;
      // Not what happens to be in the environment: nobody expects a gateway of this machine to watch a cluster.
      const isCluster = kubeconfig !== undefined || context !== undefined;
      const watched = isCluster ? readClusterConfig(shell.env, { kubeconfig, context }) : undefined;
      const config = readConfig(shell.env, {
        ...(manifests.length > 0 && { manifests }),
        port,
        host,
        dataDir,
        logLevel,
        shutdownDeadline,
        tokenFile,
      });
      await serve({ config, watched, terminal: shell.terminal, env: shell.env });
    });
}

const append = (text: string, all: readonly string[]): string[] => [...all, text];
