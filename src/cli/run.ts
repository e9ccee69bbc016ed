import { type Command, CommanderError } from 'commander';
import type { Environment } from '../config/index.ts';
import { asError } from '../domain/errors.ts';
import { printable } from '../telemetry/printable.ts';
import { withoutLostHelp } from './lost-help.ts';
import { tieOptionalValues } from './optional-values.ts';
import { buildProgram } from './program.ts';
import { messagesOn, type Talk, type Terminal } from './terminal.ts';
import { packageVersion } from './version.ts';

/** Verbosity from which on an error shows its stack. */
const STACK = 9;

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code: 0 good, 1 failed, with one sentence on stderr
 */
export async function run(args: readonly string[], terminal: Terminal, env: Environment): Promise<number> {
  let program: Command | undefined;
  const talk = (): Talk => ({ quiet: false, verbosity: 0, ...program?.opts<Partial<Talk>>() });
  const messages = messagesOn(terminal, talk);
  try {
    const shell = { terminal, messages, env };
    program = buildProgram(shell, packageVersion());
    if (args[0] === '__complete') {
      const { answerCompletion } = await import('./completion/answer.ts');
      await answerCompletion(program, args.slice(1), shell);
      return 0;
    }
    await program.parseAsync(tieOptionalValues(withoutLostHelp(args, program), program), { from: 'user' });
    return 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // A group without a command: its help is on stderr already.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return 1;
    const error = asError(thrown);
    messages.fatal(sentence(error));
    if (talk().verbosity >= STACK) terminal.stderr.write(stackLines(error));
    return 1;
  }
}

const sentence = (error: Error): string =>
  error instanceof CommanderError ? error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ') : error.message;

/** What an error quotes may be anybody's text. */
const stackLines = (error: Error): string =>
  stack(error)
    .split('\n')
    .map((line) => `${printable(line)}\n`)
    .join('');

const stack = (error: Error): string =>
  [error.stack ?? error.message, ...(error.cause instanceof Error ? [`caused by: ${stack(error.cause)}`] : [])].join(
    '\n',
  );
