import type { Command } from 'commander';
import type { FunctionFlags } from '../actions/function/flags.ts';
import { onlyArgument } from '../arguments.ts';
import { append, type DryRunFlags, dryRunOf, example, withDryRunOptions, withNamespace } from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

type WriteFlags = GlobalFlags & DryRunFlags & Omit<FunctionFlags, 'dryRun'>;

/** What Kubeless calls the argument. */
export const ARGUMENT = 'function name';

const PAIRS = 'such as a=1,b=2 or a:1; may be repeated';

export function declareDeploy(group: Command, shell: Shell): void {
  withWriteOptions(group.command('deploy').description('deploy a function'))
    .option('--schedule <schedule>', 'also call it on a schedule: five cron fields, or @hourly and the like')
    .addHelpText('after', example('function deploy hello --runtime nodejs24 --handler hello.main --from-file hello.js'))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, ARGUMENT);
      const { deployFunction } = await import('../actions/function/write.ts');
      const dryRun = dryRunOf(flags);
      await withGateway(shell, flags, (session) => deployFunction(session, name, { ...flags, dryRun }));
    });
}

export function declareUpdate(group: Command, shell: Shell): void {
  withWriteOptions(group.command('update').description('change a function; what is not given stays'))
    .addHelpText('after', example('function update hello --from-file hello.js'))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<WriteFlags>();
      const name = onlyArgument(args, ARGUMENT);
      const { updateFunction } = await import('../actions/function/write.ts');
      const dryRun = dryRunOf(flags);
      await withGateway(shell, flags, (session) => updateFunction(session, name, { ...flags, dryRun }));
    });
}

function withWriteOptions(command: Command): Command {
  withNamespace(command.argument('[name...]').usage('<name> [options]'), 'namespace of the function')
    .option('-r, --runtime <runtime>', 'language and version, such as nodejs24 or python3')
    .option('--handler <module.function>', 'what is called: hello.main is "main" in hello.js')
    .option('-f, --from-file <file>', 'the code: a file, or a URL')
    .option('-d, --dependencies <file>', 'what the code depends on: package.json, requirements.txt, or a URL')
    .option('-l, --label <labels>', `labels, ${PAIRS}`, append)
    .option('-e, --env <variables>', `environment variables, ${PAIRS}`, append)
    .option('--secrets <names>', 'Secrets to mount, each at /<name>; separated by commas', append)
    .option('--timeout <seconds>', 'how long a call may take (deploy: 180)')
    .option('--memory <quantity>', 'memory of the function, such as 128Mi')
    .option('--cpu <quantity>', 'processor time of the function, such as 500m')
    .option('--runtime-image <image>', 'image to run the function in')
    .option('--image-pull-policy <policy>', 'IfNotPresent, Always or Never (deploy: Always)')
    .option('--node-selectors <labels>', `labels of the nodes to run on, ${PAIRS}`, append)
    .option('--service-account <name>', 'service account of the function')
    .option('--headless', 'a Service without an address of its own')
    .option('--port <port>', 'port of the function (deploy: 8080)')
    .option('--servicePort <port>', 'port of its Service (default: that of --port)');
  return withDryRunOptions(command);
}
