import type { Command } from 'commander';
import type { DeleteFlags } from '../actions/delete.ts';
import type { ListFlags } from '../listing.ts';
import {
  append,
  type DryRunFlags,
  dryRunOf,
  dryRunOption,
  example,
  withListOptions,
  withNamespace,
} from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

const FILENAME = ['-f, --filename <path>', 'file, folder, or - for standard input; may be repeated'] as const;
const DRY_RUN = 'say what would be done; server: the server checks it, too';

/** `apply`, `get`, `delete` and `lint`: objects as manifests, of whatever kind. */
export function declareManifests(program: Command, shell: Shell): void {
  declareApply(program, shell);
  declareGet(program, shell);
  declareDelete(program, shell);
  declareLint(program, shell);
}

function declareApply(program: Command, shell: Shell): void {
  const command = program.command('apply').description('make the stored objects what manifests say');
  withNamespace(command, 'namespace of objects that name none')
    .option(...FILENAME, append, [])
    .addOption(dryRunOption(DRY_RUN))
    .option('-o, --output <format>', 'print the objects: yaml, json, name or jsonpath=TEMPLATE')
    .addHelpText('after', example('apply -f triggers/ --dry-run=server'))
    .action(async (_, command: Command) => {
      type Flags = GlobalFlags & Pick<DryRunFlags, 'dryRun'> & { filename: readonly string[]; output?: string };
      const flags = command.optsWithGlobals<Flags>();
      const { applyFiles } = await import('../actions/apply.ts');
      await withGateway(shell, flags, (session) => applyFiles(session, { ...flags, dryRun: dryRunOf(flags) }));
    });
}

function declareGet(program: Command, shell: Shell): void {
  const command = program
    .command('get')
    .description('print functions and triggers')
    .argument('[kind]', 'kafkatriggers, natstriggers, functions and so on; triggers; all; or KIND/NAME')
    .argument('[name...]')
    .usage('<kind> [name...] [options]');
  withListOptions(command, 'objects')
    .addHelpText('after', example('get triggers -A -o wide'))
    .action(async (kind: string | undefined, names: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & ListFlags>();
      const { getObjects } = await import('../actions/get.ts');
      const args = kind === undefined ? [] : [kind, ...names];
      await withGateway(shell, flags, (session) => getObjects(session, args, flags));
    });
}

function declareDelete(program: Command, shell: Shell): void {
  const command = program
    .command('delete')
    .description('delete functions and triggers')
    .argument('[kind]', 'kafkatriggers, natstriggers, functions and so on; or KIND/NAME')
    .argument('[name...]')
    .usage('<kind> <name...> [options]');
  withNamespace(command, 'namespace of the objects')
    .option(...FILENAME, append, [])
    .option('-l, --selector <selector>', 'those with these labels')
    .option('--all', 'all of the kind', false)
    .option('-A, --all-namespaces', 'with --selector or --all: of every namespace')
    .option('--ignore-not-found', 'one that is not there is no error', false)
    .addOption(dryRunOption(DRY_RUN))
    .addHelpText('after', example('delete kafkatrigger pay -n shop'))
    .action(async (kind: string | undefined, names: string[], _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & Omit<DeleteFlags, 'dryRun'> & Pick<DryRunFlags, 'dryRun'>>();
      const { deleteObjects } = await import('../actions/delete.ts');
      const args = kind === undefined ? [] : [kind, ...names];
      const dryRun = dryRunOf(flags);
      await withGateway(shell, flags, (session) => deleteObjects(session, args, { ...flags, dryRun }));
    });
}

function declareLint(program: Command, shell: Shell): void {
  program
    .command('lint')
    .description('check manifests, asking nobody; fails when something is wrong')
    .argument('[path...]', 'files, folders, or - for standard input')
    .option(...FILENAME, append, [])
    .option('-o, --output <format>', 'json')
    .addHelpText('after', example('lint triggers/'))
    .action(async (paths: string[], flags: { filename: readonly string[]; output?: string }) => {
      const { lintManifests } = await import('../actions/lint.ts');
      await lintManifests(shell, [...paths, ...flags.filename], flags.output);
    });
}
