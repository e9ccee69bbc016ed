import type { Command } from 'commander';
import type { GlobalFlags, Shell } from '../shell.ts';

interface ControllerFlags extends GlobalFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly functionsNamespace?: string;
  readonly functionEndpoints?: string;
  readonly port?: string;
  readonly host?: string;
  readonly logLevel?: string;
  readonly shutdownDeadline?: string;
}

export function declareController(program: Command, shell: Shell): void {
  program
    .command('controller')
    .description('run the triggers of one or more kinds against a Kubernetes cluster')
    .argument('<kind...>', 'kafka, nats, cronjob, kubernetes')
    .option(
      '--functions-namespace <name>',
      "namespace of triggers and functions (default: Kubeless' configuration, else all)",
    )
    .option(
      '--function-endpoints <hosts>',
      'hosts that the spec.endpoint of a Function may name: a.example.com,*.b.example.com',
    )
    .option('--port <port>', 'port; 0 takes a free one (default: 8080, or the next free one)')
    .option('--host <address>', 'address; another one than loopback needs a token (default: 127.0.0.1)')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (default: info)')
    .option('--shutdown-deadline <duration>', 'how long calls may take to end at the end (default: 25s)')
    .addHelpText('after', '\nExample:\n  $ trigate controller kafka --context production\n')
    .action(async (kinds: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<ControllerFlags>();
      const [{ readConfig, readClusterConfig, withKubelessDefaults }, { runController }] = await Promise.all([
        import('../../config/index.ts'),
        import('../controller.ts'),
      ]);
      const {
        port,
        host,
        logLevel,
        shutdownDeadline,
        tokenFile,
        kubeconfig,
        context,
        functionsNamespace,
        functionEndpoints,
      } = flags;
      await runController({
        kinds,
        config: readConfig(withKubelessDefaults(shell.env), { port, host, logLevel, shutdownDeadline, tokenFile }),
        cluster: readClusterConfig(shell.env, { kubeconfig, context, functionsNamespace, functionEndpoints }),
        terminal: shell.terminal,
        env: shell.env,
      });
    });
}
