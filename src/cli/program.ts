import { Command } from 'commander';
import { declareController } from './commands/controller.ts';
import { declareCrds } from './commands/crds.ts';
import { declareObserve } from './commands/observe.ts';
import { declareServe } from './commands/serve.ts';
import { declareTopic } from './commands/topic.ts';
import { declareTrigger } from './commands/trigger.ts';
import { declareVersion } from './commands/version.ts';
import type { Shell } from './shell.ts';

/** The tree of commands. Only declarations: what a command does is loaded when it runs. */
export function buildProgram(shell: Shell, version: string): Command {
  const { stdout } = shell.terminal;
  const program = new Command('trigate')
    .description('Events from Kafka, NATS and others to functions picked by label selector, at most once.')
    .version(version, '--version', 'print the version')
    .option('--gateway <url>', 'gateway to speak to (default: TRIGATE_GATEWAY, else http://127.0.0.1:8080)')
    .option('--token-file <path>', 'file with the token of the gateway (default: the token in TRIGATE_TOKEN)')
    .option('-v, --verbosity <level>', '9 shows where an error comes from', '0')
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
  declareTrigger(program, shell);
  declareTopic(program, shell);
  declareObserve(program, shell);
  declareCrds(program, shell);
  declareVersion(program, shell, version);
  return program;
}
