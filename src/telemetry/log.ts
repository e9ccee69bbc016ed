import type { Logger as PinoLogger } from 'pino';
import { pino } from 'pino';
import { withoutCredentials } from '../domain/credentials.ts';
import { prettyLine } from './pretty.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** Lines for a person instead of JSON. */
  readonly tty: boolean;
  /** Only with `tty`. The caller has looked at NO_COLOR. */
  readonly colour?: boolean;
  /** Default: standard output. */
  readonly stream?: { write(line: string): unknown };
}

const SECRET_NAMES = [
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
  'password',
  'pass',
  'passphrase',
  'token',
  'accessToken',
  'secret',
  'clientSecret',
  'secretAccessKey',
  'sessionToken',
  'apiKey',
  'privateKey',
  'sasl',
];

/** As deep as our log calls nest: `{ token }`, `{ config: { token } }`, `{ request: { headers: { authorization } } }`. */
const SECRET_DEPTHS = ['', '*.', '*.*.'];

const secretPaths = SECRET_NAMES.flatMap((name) => SECRET_DEPTHS.map((depth) => pathTo(depth, name)));

function pathTo(depth: string, name: string): string {
  return name.includes('-') ? `${depth.slice(0, -1)}["${name}"]` : `${depth}${name}`;
}

/** The log of a process: JSON lines, or on a terminal lines for a person. Secrets never reach it. */
export function createLog(options: LogOptions): PinoLogger {
  const target = options.stream ?? process.stdout;
  const colour = options.colour ?? false;
  const stream = options.tty
    ? { write: (line: string) => void target.write(prettyLine(line, colour)) }
    : { write: (line: string) => void target.write(line) };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      redact: { paths: secretPaths, censor: '[redacted]' },
      hooks: { streamWrite: withoutCredentials },
    },
    stream,
  );
}

/** The same log, which no longer looks for secret fields: that takes twenty times what writing a line takes. For lines with none. */
export const withoutRedaction = (log: PinoLogger): PinoLogger => log.child({}, { redact: [] });
