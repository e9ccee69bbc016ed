import { type ChildProcess, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Clock, Deadline } from '../../domain/clock.ts';
import type { Launch } from './launch.ts';
import { followLines } from './lines.ts';
import { answersHealthz } from './probe.ts';
import { REPORT_FD } from './runtime/contract.ts';

/** How a process of a function ended, in words for its condition. */
export interface Exit {
  readonly reason: 'RuntimeMissing' | 'StartTimeout' | 'StartFailed' | 'Exited';
  readonly message: string;
}

/** One process of a function. */
export interface Instance {
  readonly pid: number | undefined;
  /** The port, once the process answers `/healthz` on it; undefined when it ended before that. Never rejects. */
  readonly ready: Promise<number | undefined>;
  /** Resolves when the process is gone and its output is read. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Asks it to answer its calls and leave; kills it, with all that it started, at the deadline. Idempotent. */
  stop(deadline: Deadline): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
/** What a process printed last may take this long to be read after its end. */
const LAST_OUTPUT_MS = 500;
const MAX_MESSAGE_LENGTH = 200;

const reportLine = z.object({ port: z.int().min(1).max(65_535) });

/** Starts the process. What it prints goes to `onLine`, line by line. */
export function startInstance(launch: Launch, clock: Clock, onLine: (line: string) => void): Instance {
  // A group of its own: Ctrl-C in the terminal does not reach it, and its end is the end of all that it started.
  const child = spawn(launch.command, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let answered = false;
  let failure: Exit | undefined;
  let cancelKill = () => {};
  const lastWords = followOutput(child, onLine);
  const giveUp = (exit: Exit) => {
    failure ??= exit;
    signalGroup(child, 'SIGKILL');
  };

  const exited = ended(child, clock).then((end): Exit => {
    cancelStart();
    cancelKill();
    if (end.type === 'not spawned') return spawnFailure(launch.command, end.error);
    return failure ?? { reason: answered ? 'Exited' : 'StartFailed', message: shortened(lastWords() ?? end.message) };
  });
  const cancelStart = clock.after(START_TIMEOUT_MS, () =>
    giveUp({ reason: 'StartTimeout', message: `It did not answer within ${START_TIMEOUT_MS / 1_000} s.` }),
  );
  const listening = reportedPort(child).then(async (port) => {
    if (await answersHealthz(port)) return port;
    giveUp({ reason: 'StartFailed', message: 'It did not answer GET /healthz with 200.' });
    return exited.then(() => undefined);
  });
  const ready = Promise.race([listening, exited.then(() => undefined)]).then((port) => {
    cancelStart();
    answered = port !== undefined;
    return port;
  });

  return {
    pid: child.pid,
    ready,
    exited,
    async stop(deadline) {
      signalGroup(child, 'SIGTERM');
      cancelKill();
      cancelKill = clock.after(Math.max(0, deadline - clock.monotonic()), () => signalGroup(child, 'SIGKILL'));
      await exited;
      cancelKill();
    },
  };
}

/** Reads both streams; the answer tells the last line of standard error that says something. */
function followOutput(child: ChildProcess, onLine: (line: string) => void): () => string | undefined {
  let last: string | undefined;
  if (child.stdout) followLines(child.stdout, onLine);
  if (child.stderr) {
    followLines(child.stderr, (line) => {
      // Frames of a stack are indented; the last thing Node.js prints is its version.
      if (/^\S.*\w/.test(line) && !line.startsWith('Node.js v')) last = line;
      onLine(line);
    });
  }
  child.stdin?.on('error', () => {}); // nothing is written to it: it is there to close when the gateway is gone
  return () => last;
}

type End = { type: 'not spawned'; error: NodeJS.ErrnoException } | { type: 'exited'; message: string };

function ended(child: ChildProcess, clock: Clock): Promise<End> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ type: 'not spawned', error });
    });
    child.once('exit', (code, signal) => {
      signalGroup(child, 'SIGKILL'); // what it left behind
      const message = signal === null ? `It ended with exit code ${code}.` : `It was ended by ${signal}.`;
      const cancel = clock.after(LAST_OUTPUT_MS, () => resolve({ type: 'exited', message }));
      child.once('close', () => {
        cancel();
        resolve({ type: 'exited', message });
      });
    });
  });
}

/** Waits for the process to say its port; stays pending when it never does. */
function reportedPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    const channel = child.stdio[REPORT_FD];
    if (!(channel instanceof Readable)) return;
    channel.on('error', () => {});
    followLines(channel, (line) => {
      try {
        resolve(reportLine.parse(JSON.parse(line)).port);
      } catch {
        // not ours: the function wrote to the descriptor
      }
    });
  });
}

function spawnFailure(command: string, error: NodeJS.ErrnoException): Exit {
  if (error.code !== 'ENOENT') return { reason: 'StartFailed', message: shortened(error.message) };
  return { reason: 'RuntimeMissing', message: `${command} is not installed on this machine, or not on the PATH.` };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // gone already
  }
}

const shortened = (message: string): string =>
  message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message;
