import type { SQLOutputValue } from 'node:sqlite';
import { TrigateError } from '../../domain/errors.ts';

/** A row as node:sqlite hands it over; the functions below say what a column must be. */
export type Row = Record<string, SQLOutputValue>;

export function integer(value: SQLOutputValue | undefined): number {
  if (typeof value === 'number') return value;
  throw damaged('an integer', value);
}

export function text(value: SQLOutputValue | undefined): string {
  if (typeof value === 'string') return value;
  throw damaged('text', value);
}

export function optionalText(value: SQLOutputValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : text(value);
}

export function optionalBytes(value: SQLOutputValue | undefined): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Uint8Array) return value;
  throw damaged('bytes', value);
}

const damaged = (expected: string, found: unknown) =>
  new TrigateError('INTERNAL', `the topic log holds ${typeof found} where ${expected} belongs`);
