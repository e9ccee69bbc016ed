import { TrigateError } from '../../domain/errors.ts';
import { readGivenFile } from '../given-file.ts';
import type { Terminal } from '../terminal.ts';

export interface DataFlags {
  readonly data?: string | undefined;
  readonly file?: string | undefined;
}

/** The bytes of an event, from the command line, a file, or standard input. @throws TrigateError INVALID_ARGUMENT */
export async function readData({ data, file }: DataFlags, terminal: Pick<Terminal, 'readInput'>): Promise<Uint8Array> {
  if ((data === undefined) === (file === undefined)) {
    const found = data === undefined ? 'neither' : 'both';
    throw new TrigateError('INVALID_ARGUMENT', `Give the event with --data or with --file, found ${found}.`);
  }
  if (data !== undefined) return new TextEncoder().encode(data);
  if (file === '-' || file === undefined) return terminal.readInput();
  return readGivenFile('--file', file);
}
