import { buffer } from 'node:stream/consumers';
import { systemClock } from '../domain/clock.ts';
import { messagesOn, type Terminal } from './terminal.ts';

/** The terminal of this process. Signals are taken over only by commands that ask for `signal`. */
export function processTerminal(): Terminal {
  let stop: AbortSignal | undefined;
  const terminal: Terminal = {
    stdout: process.stdout,
    stderr: process.stderr,
    isTty: process.stderr.isTTY === true,
    outIsTty: process.stdout.isTTY === true,
    clock: systemClock,
    readInput: () => buffer(process.stdin),
    get signal() {
      stop ??= stopSignal();
      return stop;
    },
  };
  process.stdout.on('error', (error) => {
    // `trigate events | head`: the reader has what it wanted.
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    messagesOn(terminal).fatal(`Standard output cannot be written: ${error.message}.`);
    process.exit(1);
  });
  return terminal;
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
