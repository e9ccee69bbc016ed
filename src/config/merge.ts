import { withoutLogin } from '../domain/credentials.ts';
import { TrigateError } from '../domain/errors.ts';
import { origins, type SettingName, secretSettings } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
/** What was given on the command line, by setting. */
export type Flags = Readonly<Partial<Record<SettingName, string | readonly string[] | undefined>>>;

/** A value as it was given, and the name under which it was. */
export interface Given {
  readonly value: string | readonly string[];
  readonly from: string;
}

export type Merged = ReadonlyMap<SettingName, Given>;

/** Flags over environment. A variable that is set and empty counts as not set. */
export function merge(env: Environment, flags: Flags): Merged {
  const merged = new Map<SettingName, Given>();
  for (const name of settingNames) {
    const given = fromFlags(name, flags) ?? fromEnvironment(name, env);
    if (given !== undefined) merged.set(name, given);
  }
  return merged;
}

export const settingNames = Object.keys(origins) as SettingName[];

function fromFlags(name: SettingName, flags: Flags): Given | undefined {
  const value = flags[name];
  return value === undefined ? undefined : { value, from: origins[name].flag ?? name };
}

function fromEnvironment(name: SettingName, env: Environment): Given | undefined {
  for (const variable of origins[name].env) {
    const value = env[variable];
    if (value !== undefined && value !== '') return { value, from: variable };
  }
  return undefined;
}

/** `KAFKA_ENABLE_TLS must be true or false, found "yes"`; the values of secrets are left out. */
export function invalidSetting(merged: Merged, name: SettingName, allowed: string): TrigateError {
  const given = merged.get(name);
  const where = given?.from ?? nameOf(name);
  const found = given === undefined || secretSettings.has(name) ? '' : `, found ${JSON.stringify(shown(given.value))}`;
  return new TrigateError('INVALID_CONFIG', `${where} must be ${allowed}${found}.`);
}

const shown = (value: Given['value']): Given['value'] => (typeof value === 'string' ? withoutLogin(value) : value);

/** How people name a setting that was not given. */
export const nameOf = (name: SettingName): string => origins[name].env[0] ?? origins[name].flag ?? name;
