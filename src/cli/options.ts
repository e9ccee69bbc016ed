import { type Command, Option } from 'commander';

/*
 * Options that many commands have in common. What a command makes of them is typed by `ListFlags`, `WriteFlags` and
 * `GlobalFlags`.
 */

export function withNamespace(command: Command, what: string): Command {
  return command.option('-n, --namespace <namespace>', `${what} (default: that of the context, else "default")`);
}

/** Flags of a list: `ListFlags`. */
export function withListOptions(command: Command, what: string): Command {
  return withNamespace(command, `namespace of the ${what}`)
    .option('-A, --all-namespaces', `${what} of every namespace`)
    .option('-l, --selector <selector>', 'only those with these labels, such as k=v or "k in (a,b)"')
    .option('-w, --watch', 'go on with each that changes')
    .option('-o, --output <format>', 'wide, yaml, json, name or jsonpath=TEMPLATE')
    .option('--no-headers', 'leave out the line of column names');
}

/** How an object that a command writes can be looked at instead. */
export interface DryRunFlags {
  readonly dryrun?: boolean;
  readonly dryRun?: DryRun;
  readonly output: string;
}

export type DryRun = 'none' | 'client' | 'server';
const DRY_RUNS: readonly DryRun[] = ['none', 'client', 'server'];

export function withDryRunOptions(command: Command): Command {
  return command
    .option('--dryrun', 'print the object instead of storing it')
    .addOption(dryRunOption('print the object instead of storing it; server: as the server would store it'))
    .option('-o, --output <format>', 'for a dry run: yaml, json, name or jsonpath=TEMPLATE', 'yaml');
}

/** Without a value it means `client`. */
export const dryRunOption = (text: string): Option =>
  new Option('--dry-run [client|server]', text).preset('client').choices(DRY_RUNS);

/** Whoever asks for one in either spelling gets one. */
export const dryRunOf = ({ dryrun, dryRun = 'none' }: Pick<DryRunFlags, 'dryrun' | 'dryRun'>): DryRun =>
  dryRun === 'none' && dryrun === true ? 'client' : dryRun;

/** Adds a repeated option to what was given before. */
export const append = (text: string, all: readonly string[] = []): string[] => [...all, text];

/** The example at the end of a command's help: `words` without the program's name. */
export const example = (words: string): string => `\nExample:\n  $ trigate ${words}\n`;
