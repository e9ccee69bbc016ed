import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { cleanEnvironment } from './gateway.ts';

export interface CommandResult {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const BINARY = join(import.meta.dirname, '../../bin/trigate.js');

/** Runs `trigate …` as a process of its own, to its end. */
export function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { env: { ...cleanEnvironment(), ...env }, timeout: 30_000 };
    execFile(process.execPath, [BINARY, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

/** The same against a gateway. */
export const commandOf = (gateway: { readonly url: string }, args: readonly string[]): Promise<CommandResult> =>
  command([...args, '--gateway', gateway.url]);
