import type { Command } from 'commander';
import { TrigateError } from '../../domain/errors.ts';
import type { EventFlags } from '../actions/events.ts';
import type { ExplainFlags } from '../actions/explain.ts';
import type { LedgerFlags } from '../actions/ledger.ts';
import { example } from '../options.ts';
import { type GlobalFlags, type Shell, withGateway } from '../shell.ts';

/** `events`, `explain` and `ledger`: what became of events, one by one, why, and in counts. */
export function declareObserve(program: Command, shell: Shell): void {
  declareEvents(program, shell);
  declareExplain(program, shell);
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
    .option('--no-headers', 'leave out the line of column names')
    .addHelpText('after', example('events --follow --trigger pay --outcome dropped'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & EventFlags>();
      const { showEvents } = await import('../actions/events.ts');
      await withGateway(shell, flags, (session) => showEvents(session, flags));
    });
}

function declareExplain(program: Command, shell: Shell): void {
  program
    .command('explain')
    .description('which triggers, selectors and labels said yes or no to an event, and what came of it')
    .argument('[event-id]', 'of an event that the gateway has seen; "trigate events -o wide" shows it')
    .usage('<event-id> | --topic <topic> [options]')
    .option('--topic <topic>', 'a dry run instead: what would come of an event in this topic')
    .option('--data <text>', 'for a dry run: the event')
    .option('--file <path>', 'for a dry run: the event from a file, or from standard input with -')
    .option('--broker <name>', 'for a dry run: kafka, nats or log (default: any)')
    .option('-n, --namespace <namespace>', 'only triggers of this namespace')
    .option('-o, --output <format>', 'wide (also triggers that do not listen), json, yaml or jsonpath=TEMPLATE')
    .addHelpText('after', example(`explain --topic orders --data '{"order":1}'`))
    .action(async (id: string | undefined, _, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & ExplainFlags>();
      const { topic } = flags;
      if ((id === undefined) === (topic === undefined)) {
        const found = id === undefined ? 'neither' : 'both';
        throw new TrigateError('INVALID_ARGUMENT', `Give an event id or --topic, found ${found}.`);
      }
      const { explainEvent, explainTopic } = await import('../actions/explain.ts');
      await withGateway(shell, flags, (session) =>
        topic === undefined ? explainEvent(session, id ?? '', flags) : explainTopic(session, topic, flags),
      );
    });
}

function declareLedger(program: Command, shell: Shell): void {
  program
    .command('ledger')
    .description('counts of every trigger and function; fails when they do not add up')
    .option('-n, --namespace <namespace>', 'only triggers of this namespace')
    .option('--kind <kind>', 'only triggers of this kind, such as kafka')
    .option('--trigger <name>', 'only of this trigger')
    .option('--function <name>', 'only of this function')
    .option('-o, --output <format>', 'json, yaml or jsonpath=TEMPLATE')
    .option('--no-headers', 'leave out the line of column names')
    .addHelpText('after', example('ledger --trigger pay -o json'))
    .action(async (_, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags & LedgerFlags>();
      const { showLedger } = await import('../actions/ledger.ts');
      await withGateway(shell, flags, (session) => showLedger(session, flags));
    });
}
