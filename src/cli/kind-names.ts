import { TrigateError } from '../domain/errors.ts';
import { functionType } from '../domain/function.ts';
import { nearest } from '../domain/nearest.ts';
import type { ServedType } from '../domain/resource.ts';
import { resourceName } from '../resources/path.ts';

/** Words for several types at once. */
export const GROUPS = ['triggers', 'all'] as const;

/** Everything that a type may be called on a command line. */
export const namesOf = (type: ServedType): string[] => [
  type.plural,
  type.singular,
  ...type.shortNames,
  resourceName(type),
  `${type.singular}.${type.group}`,
  ...(isTriggerType(type) ? [type.singular.replace(/trigger$/, '')] : []),
];

/** A type of trigger, among functions and what controllers keep for themselves. */
export const isTriggerType = ({ kind }: Pick<ServedType, 'kind'>): boolean => kind.endsWith('Trigger');

/** What people write: not what controllers keep for themselves. */
const isWritten = (type: ServedType): boolean => isTriggerType(type) || type.kind === functionType.kind;

/** The types that a word names. @throws TrigateError INVALID_ARGUMENT */
export function typesNamed(word: string, types: readonly ServedType[]): readonly ServedType[] {
  const lower = word.toLowerCase();
  if (lower === 'all') return types.filter(isWritten);
  if (lower === 'triggers' || lower === 'trigger') return types.filter(isTriggerType);
  const type = types.find((each) => namesOf(each).includes(lower));
  if (type !== undefined) return [type];
  const known = [...types.map(({ plural }) => plural), ...GROUPS];
  const meant = nearest(lower, [...types.flatMap(namesOf), ...GROUPS]);
  const text = `The kind must be one of ${known.join(', ')}, found ${JSON.stringify(word)}.`;
  throw new TrigateError('INVALID_ARGUMENT', meant === undefined ? text : `${text} Did you mean ${meant}?`);
}

/** Objects that a command line names: `KIND NAME...`, `KIND/NAME ...`, or all of a kind. */
export interface Wanted {
  readonly types: readonly ServedType[];
  /** Empty: all. */
  readonly names: readonly string[];
}

/** @throws TrigateError INVALID_ARGUMENT */
export function readWanted(args: readonly string[], types: readonly ServedType[]): readonly Wanted[] {
  const [first, ...names] = args;
  if (first === undefined) {
    const known = [...types.map(({ plural }) => plural), ...GROUPS].join(', ');
    throw new TrigateError('INVALID_ARGUMENT', `Name a kind: one of ${known}.`);
  }
  if (!first.includes('/')) return [{ types: oneTypeFor(names, typesNamed(first, types)), names }];
  return args.map((arg) => {
    const [kind = '', name = '', ...more] = arg.split('/');
    if (name !== '' && more.length === 0) return { types: oneTypeFor([name], typesNamed(kind, types)), names: [name] };
    throw new TrigateError('INVALID_ARGUMENT', `An object must be KIND/NAME, found ${JSON.stringify(arg)}.`);
  });
}

function oneTypeFor(names: readonly string[], types: readonly ServedType[]): readonly ServedType[] {
  if (names.length === 0 || types.length === 1) return types;
  throw new TrigateError('INVALID_ARGUMENT', 'Several kinds cannot be asked for by name: name one kind.');
}
