import { readFileSync } from 'node:fs';
import { TrigateError } from '../domain/errors.ts';
import { type Merged, nameOf } from './merge.ts';
import { Secret } from './secret.ts';
import type { SettingName } from './settings.ts';

/** Text of the file that a setting names; a missing or unreadable one is a sentence about that setting. */
export function readNamedFile(merged: Merged, name: SettingName, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const from = merged.get(name)?.from ?? nameOf(name);
    const cause = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unreadable';
    throw new TrigateError('INVALID_CONFIG', `${from} must name a file that can be read, found "${path}" (${cause}).`);
  }
}

/** What `read` gives now, and again each time it is asked for. While it throws, what it gave last stands. */
export function rereading<T>(read: () => T): () => T {
  let last = read();
  return () => {
    try {
      last = read();
    } catch {
      // A file that is being replaced may be gone for a moment.
    }
    return last;
  };
}

/** The secret in a file, without the line end that editors put there. */
export function readSecretFile(merged: Merged, name: SettingName, path: string): Secret {
  const text = readNamedFile(merged, name, path).trim();
  if (text !== '') return new Secret(text);
  const from = merged.get(name)?.from ?? nameOf(name);
  throw new TrigateError('INVALID_CONFIG', `${from} must name a file with a secret in it, found "${path}" empty.`);
}
