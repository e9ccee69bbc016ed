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

/** The secret in a file, without the line end that editors put there. */
export function readSecretFile(merged: Merged, name: SettingName, path: string): Secret {
  const text = readNamedFile(merged, name, path).trim();
  if (text !== '') return new Secret(text);
  const from = merged.get(name)?.from ?? nameOf(name);
  throw new TrigateError('INVALID_CONFIG', `${from} must name a file with a secret in it, found "${path}" empty.`);
}
