import { CommanderError } from 'commander';
import type { Environment } from '../config/index.ts';
import { asError, type ErrorCode, TrigateError } from '../domain/errors.ts';
import { buildProgram } from './program.ts';
import { messagesOn, type Terminal } from './terminal.ts';
import { packageVersion } from './version.ts';

/** Verbosity from which on an error shows its stack. */
const STACK = 9;

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code: 0 good, 1 failed, with one sentence on stderr
 */
export async function run(args: readonly string[], terminal: Terminal, env: Environment): Promise<number> {
  const messages = messagesOn(terminal);
  const program = buildProgram({ terminal, messages, env }, packageVersion());
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // A group without a command: its help is on stderr already.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return 1;
    const error = asError(thrown);
    messages.fatal(sentence(error));
    if (Number(program.opts<{ verbosity: string }>().verbosity) >= STACK) terminal.stderr.write(`${stack(error)}\n`);
    return 1;
  }
}

function sentence(error: Error): string {
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  const hint = error instanceof TrigateError ? hints[error.code] : undefined;
  return hint === undefined ? error.message : `${error.message} ${hint}`;
}

/** What a person at a command line can do about it. */
const hints: Readonly<Partial<Record<ErrorCode, string>>> = {
  GATEWAY_UNREACHABLE: 'Start a gateway with "trigate serve", or name one with --gateway or TRIGATE_GATEWAY.',
  UNAUTHORIZED: 'Set TRIGATE_TOKEN or give --token-file.',
};

const stack = (error: Error): string =>
  [error.stack ?? error.message, ...(error.cause instanceof Error ? [`caused by: ${stack(error.cause)}`] : [])].join(
    '\n',
  );
