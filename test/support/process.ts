import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inTime } from './eventually.ts';

const KEPT_LINES = 20_000;

export interface ProcessOptions {
  /** For messages. */
  readonly name: string;
  readonly cwd?: string;
  /** The whole environment. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A child process whose output is kept and which never outlives this process. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** Standard output and standard error, the last 20,000 lines. */
  readonly lines: readonly string[];
  readonly exited: Promise<Exit>;
  exit(): Exit | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Sends `signal`, waits for the exit, and after `grace` ms kills. Harmless when it has exited. */
  stop(signal: NodeJS.Signals, grace: number): Promise<Exit>;
  /** Resolves with the first kept or coming line that matches; rejects when the process exits or time is up. */
  line(pattern: RegExp, within?: number): Promise<string>;
  /** A sentence, and all that the process has said. */
  story(sentence: string): Error;
}

/** Starts a program. Rejects when it cannot be started at all. */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<Running> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const closed = once(child, 'close');
  await once(child, 'spawn');
  return follow(child, child.pid ?? 0, closed, options.name);
}

function follow(child: ChildProcess, pid: number, closed: Promise<unknown[]>, name: string): Running {
  const lines: string[] = [];
  const readers = new Set<(line: string) => void>();
  const reaper = reapWithUs(pid);
  let exit: Exit | undefined;

  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.splice(0, KEPT_LINES / 2);
      for (const reader of readers) reader(line);
    });
  }

  const exited = closed.then(async () => {
    exit = { code: child.exitCode, signal: child.signalCode };
    await reaper.dismiss();
    return exit;
  });

  const running: Running = {
    name,
    pid,
    lines,
    exited,
    exit: () => exit,
    kill: (signal) => void child.kill(signal),
    async stop(signal, grace) {
      child.kill(signal);
      const killing = setTimeout(() => child.kill('SIGKILL'), grace);
      return exited.finally(() => clearTimeout(killing));
    },
    line(pattern, within = 10_000) {
      const seen = lines.find((line) => pattern.test(line));
      if (seen !== undefined) return Promise.resolve(seen);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const reader = (line: string) => pattern.test(line) && resolve(line);
      readers.add(reader);
      void exited.then(() => reject(running.story(`${name} exited before it said ${pattern}`)));
      return inTime(`${name} says ${pattern}`, promise, within).finally(() => readers.delete(reader));
    },
    story: (sentence) => new Error([sentence, `--- output of ${name}`, ...lines.slice(-200), '---'].join('\n')),
  };
  return running;
}

/**
 * A shell that waits for the end of its standard input, which comes when this process ends in whatever way, and then
 * kills the child. An exit handler would not run on SIGKILL.
 */
function reapWithUs(pid: number): { dismiss(): Promise<void> } {
  const shell = spawn('sh', ['-c', 'trap "" INT TERM HUP; read -r _; kill -9 "$1" 2>/dev/null', 'reaper', `${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = once(shell, 'close');
  return {
    async dismiss() {
      shell.kill('SIGKILL');
      await gone;
    },
  };
}
