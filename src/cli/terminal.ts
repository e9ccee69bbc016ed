import { styleText } from 'node:util';
import type { Clock } from '../domain/clock.ts';
import { printable } from '../telemetry/printable.ts';

/** Where text goes. A stream of the process fits. */
export interface Sink {
  /** Bytes are written as they are. */
  write(text: string | Uint8Array): unknown;
}

/** What a command sees of the world of its caller: data go to `stdout`, everything else through `messages`. */
export interface Terminal {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** People read stderr: short messages, and colours. */
  readonly isTty: boolean;
  /** The same of stdout: a gateway shows itself there. */
  readonly outIsTty: boolean;
  /** Standard input to its end. */
  readInput(): Promise<Uint8Array>;
  /** Aborts when the person asks to stop (Ctrl-C). */
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'after'>;
}

const LEVELS = {
  debug: { tag: 'DEBU', color: 'gray' },
  info: { tag: 'INFO', color: 'cyan' },
  warning: { tag: 'WARN', color: 'yellow' },
  fatal: { tag: 'FATA', color: 'red' },
} as const;
export type Level = keyof typeof LEVELS;

/** How much is said: `quiet` leaves out `info`; from verbosity 1 on there is `debug`. */
export interface Talk {
  readonly quiet: boolean;
  readonly verbosity: number;
}

/** Messages in the form of logrus, which Kubeless' users have scripts for; always on stderr. */
export interface Messages {
  debug(text: string): void;
  info(text: string): void;
  warning(text: string): void;
  fatal(text: string): void;
}

/** @param talk asked at each message: flags are known later than there is somebody to speak */
export function messagesOn(terminal: Terminal, talk: () => Talk = () => ({ quiet: false, verbosity: 0 })): Messages {
  const start = terminal.clock.monotonic();
  const say = (level: Level) => (text: string) => {
    if (!isHeard(level, talk())) return;
    const line = terminal.isTty
      ? short(level, text, terminal.clock.monotonic() - start)
      : long(level, text, terminal.clock.now());
    terminal.stderr.write(`${line}\n`);
  };
  return { debug: say('debug'), info: say('info'), warning: say('warning'), fatal: say('fatal') };
}

function isHeard(level: Level, { quiet, verbosity }: Talk): boolean {
  switch (level) {
    case 'debug':
      return verbosity > 0;
    case 'info':
      return !quiet;
    case 'warning':
    case 'fatal':
      return true;
    default:
      return level satisfies never;
  }
}

/** `INFO[0000] text`, with the seconds since the start. */
function short(level: Level, text: string, elapsedMs: number): string {
  const { tag, color } = LEVELS[level];
  const seconds = String(Math.floor(elapsedMs / 1_000)).padStart(4, '0');
  return `${styleText(color, tag, { stream: process.stderr })}[${seconds}] ${printable(text)}`;
}

/** `time="2026-01-02T03:04:05Z" level=info msg="text"` */
function long(level: Level, text: string, now: number): string {
  const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
  return `time="${time}" level=${level} msg=${/^[\w.@^+/-]+$/.test(text) ? text : printable(JSON.stringify(text))}`;
}
