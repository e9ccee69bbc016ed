import { styleText } from 'node:util';
import { printable } from './printable.ts';

type Style = Parameters<typeof styleText>[0];

const LEVEL_STYLES: Record<string, Style> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
};

/** One JSON line of the log as a line for a person: `12:00:01 WARN  message  key=value`. */
export function prettyLine(json: string, colour: boolean): string {
  const entry = parseEntry(json);
  if (entry === undefined) return json;
  const { level, time, msg, err, ...fields } = entry;
  const style = (format: Style, text: string) => (colour ? styleText(format, text, { validateStream: false }) : text);
  const name = String(level);
  const parts = [
    style('dim', localTime(time)),
    style(LEVEL_STYLES[name] ?? 'reset', name.toUpperCase().padEnd(5)),
    shown(msg ?? ''),
    ...Object.entries(fields).map(([key, value]) => style('dim', `${key}=${shown(value)}`)),
    ...(err === undefined ? [] : [style('red', shown(messageOf(err)))]),
  ];
  return `${parts.join(' ')}\n`;
}

function parseEntry(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const localTime = (time: unknown): string => new Date(String(time)).toTimeString().slice(0, 8);

const shown = (value: unknown): string => printable(typeof value === 'string' ? value : JSON.stringify(value));

const messageOf = (err: unknown): unknown =>
  typeof err === 'object' && err !== null && 'message' in err ? err.message : err;
