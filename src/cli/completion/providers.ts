import type { Option } from 'commander';
import { functionType } from '../../domain/function.ts';
import type { ServedType } from '../../domain/resource.ts';
import { kindOf } from '../explain/verdict.ts';
import { GROUPS, isTriggerType, namesOf, typesNamed } from '../kind-names.ts';
import { manifestTypes } from '../manifest-types.ts';
import type { TypedLine } from './line.ts';
import type { Lookup, Names } from './names.ts';

type Line = Pick<TypedLine, 'path' | 'args' | 'flags'>;
type Provider = (lookup: Lookup, line: Line) => Promise<Names> | Names;

const NOTHING: Names = { type: 'names', names: [] };
const FILES: Names = { type: 'files' };
const oneOf = (...names: readonly string[]): Names => ({ type: 'names', names });
const triggerTypes = (): readonly ServedType[] => manifestTypes().filter(isTriggerType);

const files: Provider = () => FILES;
const functions: Provider = async (lookup, { flags }) => oneOf(...(await lookup.objects(functionType, flags)));
const topics: Provider = async (lookup, { flags }) => oneOf(...(await lookup.topics(flags)));
const labels: Provider = async (lookup, { flags }) => ({ ...oneOf(...(await lookup.labels(flags))), isList: true });
const kinds: Provider = () => oneOf(...triggerTypes().map(kindOf));
const triggers: Provider = async (lookup, { flags }) => {
  const names = await Promise.all(triggerTypes().map((type) => lookup.objects(type, flags)));
  return oneOf(...new Set(names.flat()));
};

/** By attribute name. */
const ofOptions: Readonly<Record<string, Provider>> = {
  namespace: async (lookup, { flags }) => oneOf(...(await lookup.namespaces(flags))),
  context: async (lookup, { flags }) => oneOf(...(await lookup.contexts(flags))),
  function: functions,
  functionName: functions,
  trigger: triggers,
  topic: topics,
  triggerTopic: topics,
  selector: labels,
  functionSelector: labels,
  kind: kinds,
  broker: () => oneOf('kafka', 'nats', 'log'),
  outcome: () => oneOf('delivered', 'rejected', 'unknown', 'dropped', 'gap'),
  since: () => oneOf('1m', '10m', '1h', '24h'),
  missed: () => oneOf('skip', 'one', 'all'),
  concurrencyPolicy: () => oneOf('Allow', 'Forbid', 'Replace'),
  suspend: () => oneOf('true', 'false'),
  logLevel: () => oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  filename: files,
  file: files,
  payloadFromFile: files,
  fromFile: files,
  dependencies: files,
  tokenFile: files,
  kubeconfig: files,
  dataDir: files,
};

const FORMATS = ['wide', 'yaml', 'json', 'name', 'jsonpath='];

export async function optionNames(option: Option, lookup: Lookup, line: Line): Promise<Names> {
  if (option.argChoices !== undefined) return oneOf(...option.argChoices);
  const name = option.attributeName();
  // What a format may be is said in the description, once.
  if (name === 'output' || name === 'out') return oneOf(...FORMATS.filter((each) => option.description.includes(each)));
  return (await ofOptions[name]?.(lookup, line)) ?? NOTHING;
}

/** Verbs whose argument is an object that exists. */
const EXISTING = ['update', 'delete', 'list', 'next', 'fire', 'call', 'describe', 'logs'];

export async function argumentNames(lookup: Lookup, line: Line): Promise<Names> {
  const [noun = '', second = '', third = ''] = line.path;
  switch (noun) {
    case 'get':
    case 'delete':
      return objectNames(lookup, line);
    case 'lint':
      return FILES;
    case 'controller':
      return kinds(lookup, line);
    case 'completion':
      return oneOf('bash', 'zsh', 'fish');
    case 'function':
      return EXISTING.includes(second) ? functions(lookup, line) : NOTHING;
    case 'topic':
      return second === 'delete' ? topics(lookup, line) : NOTHING;
    case 'trigger': {
      const type = triggerTypes().find((each) => kindOf(each) === second);
      if (type === undefined || !EXISTING.includes(third)) return NOTHING;
      return oneOf(...(await lookup.objects(type, line.flags)));
    }
    default:
      return NOTHING;
  }
}

/** A kind, then the names of its objects. */
async function objectNames(lookup: Lookup, { args, flags }: Line): Promise<Names> {
  const types = manifestTypes();
  const [kind] = args;
  if (kind === undefined) return oneOf(...types.map(({ plural }) => plural), ...GROUPS);
  if (!types.some((type) => namesOf(type).includes(kind))) return NOTHING;
  const names = await Promise.all(typesNamed(kind, types).map((type) => lookup.objects(type, flags)));
  return oneOf(...names.flat().filter((name) => !args.includes(name)));
}
