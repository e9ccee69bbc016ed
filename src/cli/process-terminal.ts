import { buffer } from 'node:stream/consumers';
import { systemClock } from '../domain/clock.ts';
import type { Terminal } from './terminal.ts';

/** The terminal of this process. Signals are taken over only by commands that ask for `signal`. */
export function processTerminal(): Terminal {
  let stop: AbortSignal | undefined;
  // `trigate events | head`: the reader has what it wanted.
  process.stdout.on('error', (error) => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1));
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    isTty: process.stderr.isTTY === true,
    clock: systemClock,
    readInput: () => buffer(process.stdin),
    get signal() {
      stop ??= stopSignal();
      return stop;
    },
  };
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
