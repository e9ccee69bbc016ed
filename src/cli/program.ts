import { Command } from 'commander';
import { declareCompletion } from './commands/completion.ts';
import { declareController } from './commands/controller.ts';
import { declareCrds } from './commands/crds.ts';
import { declareFunction } from './commands/function.ts';
import { declareGateway } from './commands/gateway.ts';
import { declareManifests } from './commands/manifests.ts';
import { declareNotYet } from './commands/not-yet.ts';
import { declareObserve } from './commands/observe.ts';
import { declareServe } from './commands/serve.ts';
import { declareServerConfig } from './commands/server-config.ts';
import { declareTopic } from './commands/topic.ts';
import { declareTrigger } from './commands/trigger.ts';
import { declareVersion } from './commands/version.ts';
import { readLevel } from './optional-values.ts';
import type { Shell } from './shell.ts';

/** The tree of commands. Only declarations: what a command does is loaded when it runs. */
export function buildProgram(shell: Shell, version: string): Command {
  const { stdout } = shell.terminal;
  const program = new Command('trigate')
    .description('Events from Kafka, NATS and others to functions picked by label selector, at most once.')
    .version(version, '--version', 'print the version')
    .option('--gateway <url>', 'gateway to speak to (default: TRIGATE_GATEWAY)')
    .option('--kubeconfig <path>', 'without a gateway: kubeconfig of the cluster to speak to (default: KUBECONFIG)')
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .option(
      '--token-file <path>',
      'file with the token of the gateway (default: TRIGATE_TOKEN; in a cluster: its Secret)',
    )
    .option(
      '--release <[namespace/]name>',
      'in a cluster: Helm release with topics and events (default: TRIGATE_RELEASE)',
    )
    .option('-q, --quiet', 'say nothing but warnings and errors', false)
    .option('-v, --verbosity [level]', '1 says who is spoken to, 9 where an error comes from', readLevel, 0)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => shell.terminal.stderr.write(text),
      // An error is thrown, and said once, by whoever runs the program.
      outputError: () => {},
    })
    .addHelpText('after', '\nExample:\n  $ trigate serve -f examples\n');
  declareServe(program, shell);
  declareController(program, shell);
  declareGateway(program, shell);
  declareFunction(program, shell);
  declareTrigger(program, shell);
  declareTopic(program, shell);
  declareManifests(program, shell);
  declareObserve(program, shell);
  declareCrds(program, shell);
  declareServerConfig(program, shell);
  declareNotYet(program, 'autoscale', 'make a HorizontalPodAutoscaler of the Deployment, with "kubectl autoscale"');
  declareCompletion(program, shell);
  declareVersion(program, shell, version);
  return program;
}
