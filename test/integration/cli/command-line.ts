import { stripVTControlCharacters } from 'node:util';
import { run } from '../../../src/cli/run.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import type { Environment } from '../../../src/config/index.ts';
import { systemClock } from '../../../src/domain/clock.ts';

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NOW = Date.parse('2026-01-02T03:04:05Z');

/** Runs a command line in this process, with a clock that stands still: what waits for a time waits no longer than a turn. */
export async function commandLine(args: readonly string[], env: Environment = {}, terminal: Partial<Terminal> = {}) {
  const out = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof out) => {
    const decoder = new TextDecoder();
    return {
      write(text: string | Uint8Array) {
        out[name] += typeof text === 'string' ? text : decoder.decode(text, { stream: true });
      },
    };
  };
  const code = await run(
    args,
    {
      stdout: sink('stdout'),
      stderr: sink('stderr'),
      isTty: true,
      outIsTty: true,
      clock: { now: () => NOW, monotonic: () => 0, after: (_, run) => systemClock.after(0, run) },
      signal: new AbortController().signal,
      readInput: async () => new Uint8Array(),
      ...terminal,
    },
    env,
  );
  return { code, stdout: out.stdout, stderr: stripVTControlCharacters(out.stderr) } satisfies Result;
}
