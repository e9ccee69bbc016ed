import { type Command, Option } from 'commander';
import type { CallFlags } from '../actions/function/call.ts';
import type { LogFlags } from '../actions/function/logs.ts';
import type { TopFlags } from '../actions/function/top.ts';
import { onlyArgument } from '../arguments.ts';
import type { ListFlags } from '../listing.ts';
import { append, example, withListOptions, withNamespace } from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';
import { ARGUMENT, declareDeploy, declareUpdate } from './function-write.ts';

/** Kubeless' name for `--output`. */
interface OutFlag {
  readonly out?: string;
}

export function declareFunction(program: Command, shell: Shell): void {
  const group = program.command('function').description('deploy, call and look at functions');
  declareDeploy(group, shell);
  declareUpdate(group, shell);
  declareDelete(group, shell);
  declareCall(group, shell);
  declareList(group, shell);
  declareDescribe(group, shell);
  declareLogs(group, shell);
  declareTop(group, shell);
}

const outOption = () => new Option('--out <format>').hideHelp();
const named = (group: Command, name: string, description: string): Command =>
  withNamespace(
    group.command(name).description(description).argument('[name...]').usage('<name> [options]'),
    'namespace of the function',
  );

function declareDelete(group: Command, shell: Shell): void {
  named(group, 'delete', 'delete a function')
    .addHelpText('after', example('function delete hello'))
    .action(async (args: string[], _, command: Command) => {
      const name = onlyArgument(args, ARGUMENT);
      const { deleteFunction } = await import('../actions/function/write.ts');
      await withGateway(shell, command.optsWithGlobals(), (session) => deleteFunction(session, name));
    });
}

function declareCall(group: Command, shell: Shell): void {
  named(group, 'call', 'call a function and print its answer; without data it gets a GET')
    .option('-d, --data <text>', 'data for the function')
    .option('--data-from-file <file>', 'data from a file, or from standard input with -')
    .option('--header <name=value>', 'header of the request; may be repeated', append)
    .addHelpText('after', example(`function call hello --data '{"name":"Ada"}'`))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & CallFlags>();
      const name = onlyArgument(args, ARGUMENT);
      const { callByHand } = await import('../actions/function/call.ts');
      await withGateway(shell, flags, (session) => callByHand(session, name, flags));
    });
}

function declareList(group: Command, shell: Shell): void {
  const command = group.command('list').alias('ls').description('list functions, and whether they answer');
  withListOptions(command.argument('[name...]').usage('[name...] [options]'), 'functions')
    .addOption(outOption())
    .addHelpText('after', example('function ls -o wide'))
    .action(async (names: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & ListFlags & OutFlag>();
      const { listFunctions } = await import('../actions/function/list.ts');
      const output = flags.output ?? flags.out;
      await withGateway(shell, flags, (session) => listFunctions(session, names, { ...flags, output }));
    });
}

function declareDescribe(group: Command, shell: Shell): void {
  named(group, 'describe', 'show a function')
    .option('-o, --output <format>', 'yaml, json, name or jsonpath=TEMPLATE')
    .addOption(outOption())
    .addHelpText('after', example('function describe hello'))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & OutFlag & { output?: string }>();
      const name = onlyArgument(args, ARGUMENT);
      const { describeFunction } = await import('../actions/function/describe.ts');
      await withGateway(shell, flags, (session) => describeFunction(session, name, flags.output ?? flags.out));
    });
}

function declareLogs(group: Command, shell: Shell): void {
  named(group, 'logs', 'print what a function has printed')
    .option('-f, --follow', 'go on with what it prints', false)
    .option('--tail <lines>', 'only the last so many lines')
    .addHelpText('after', example('function logs hello -f --tail 20'))
    .action(async (args: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & LogFlags>();
      const name = onlyArgument(args, ARGUMENT);
      const { showLogs } = await import('../actions/function/logs.ts');
      await withGateway(shell, flags, (session) => showLogs(session, name, flags));
    });
}

function declareTop(group: Command, shell: Shell): void {
  withNamespace(
    group.command('top').alias('stats').description('calls, failures and duration of functions, by HTTP method'),
    'namespace of the functions',
  )
    .option('-f, --function <name>', 'only this function')
    .option('-A, --all-namespaces', 'functions of every namespace')
    .option('-o, --output <format>', 'yaml or json')
    .addOption(outOption())
    .addHelpText('after', example('function top --function hello'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & TopFlags & OutFlag>();
      const { showTop } = await import('../actions/function/top.ts');
      await withGateway(shell, flags, (session) => showTop(session, { ...flags, output: flags.output ?? flags.out }));
    });
}
