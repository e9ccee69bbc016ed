import type { Command } from 'commander';
import type { EventFlags } from '../actions/events.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

/** `events` and `ledger`: what became of events, one by one and in counts. */
export function declareObserve(program: Command, shell: Shell): void {
  declareEvents(program, shell);
  declareLedger(program, shell);
}

function declareEvents(program: Command, shell: Shell): void {
  program
    .command('events')
    .description('what became of events, one line for each function')
    .option('-f, --follow', 'go on with those that come', false)
    .option('-n, --namespace <namespace>', 'only triggers of this namespace')
    .option('--kind <kind>', 'only triggers of this kind, such as kafka')
    .option('--trigger <name>', 'only of this trigger')
    .option('--function <name>', 'only what went to this function')
    .option('--outcome <outcome>', 'delivered, rejected, unknown, dropped or gap')
    .option('--since <time>', 'a duration such as 10m, or a time')
    .option('--limit <number>', 'at most so many')
    .option('-o, --output <format>', 'wide or json (one object on each line)')
    .addHelpText('after', '\nExample:\n  $ trigate events --follow --trigger pay --outcome dropped\n')
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & EventFlags>();
      const { showEvents } = await import('../actions/events.ts');
      await withGateway(shell, flags, (session) => showEvents(session, flags));
    });
}

function declareLedger(program: Command, shell: Shell): void {
  program
    .command('ledger')
    .description('counts of every trigger and function; fails when they do not add up')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExample:\n  $ trigate ledger -o json\n')
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & { output?: string }>();
      const { showLedger } = await import('../actions/ledger.ts');
      await withGateway(shell, flags, (session) => showLedger(session, flags.output));
    });
}
