import type { Command } from 'commander';
import type { GlobalFlags, Shell } from '../shell.ts';

interface GatewayFlags extends GlobalFlags {
  readonly port?: string;
  readonly host?: string;
  readonly logLevel?: string;
}

export function declareGateway(program: Command, shell: Shell): void {
  program
    .command('gateway')
    .description('publish to the brokers of a cluster over HTTP, beside its controllers')
    .option('--port <port>', 'port; 0 takes a free one (default: 8080, or the next free one)')
    .option('--host <address>', 'address; another one than loopback needs a token (default: 127.0.0.1)')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (default: info)')
    .addHelpText('after', '\nExample:\n  $ trigate gateway --port 8080\n')
    .action(async (_, command: Command) => {
      const { port, host, logLevel, tokenFile } = command.optsWithGlobals<GatewayFlags>();
      const [{ readConfig }, { runClusterGateway }] = await Promise.all([
        import('../../config/index.ts'),
        import('../cluster-gateway.ts'),
      ]);
      const config = readConfig(shell.env, { port, host, logLevel, tokenFile });
      await runClusterGateway({ config, terminal: shell.terminal, env: shell.env });
    });
}
