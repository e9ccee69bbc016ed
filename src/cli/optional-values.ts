import type { Command } from 'commander';
import { TrigateError } from '../domain/errors.ts';

/** Options that may stand without their value. */
const optional = [
  { flags: ['-v', '--verbosity'], alone: '1', value: /^\d+$/ },
  { flags: ['--dry-run'], alone: 'client', value: /^(none|client|server)$/ },
] as const;

/**
 * Ties these options to their values: `-v 9` becomes `--verbosity=9`, `-v` before anything else `--verbosity=1`. Left to
 * commander they would take any next word: `trigate -v topic list` would be the command `list`.
 */
export function tieOptionalValues(args: readonly string[], program: Command): string[] {
  const takesValue = valueFlags(program);
  const tied: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') return [...tied, ...args.slice(i)];
    const option = optional.find(({ flags }) => flags.some((flag) => flag === arg));
    if (option === undefined || takesValue.has(args[i - 1] ?? '')) {
      tied.push(arg);
      continue;
    }
    const next = args[i + 1] ?? '';
    const hasValue = option.value.test(next);
    tied.push(`${option.flags.at(-1)}=${hasValue ? next : option.alone}`);
    if (hasValue) i++;
  }
  return tied;
}

/** What stands behind one of these is its value, whatever it looks like. */
function valueFlags(command: Command): Set<string> {
  const own = command.options.filter((option) => option.required).flatMap(({ short, long }) => [short, long]);
  const below = command.commands.flatMap((each) => [...valueFlags(each)]);
  return new Set([...own, ...below].filter((flag) => flag !== undefined));
}

/** The level of `-v`. @throws TrigateError INVALID_ARGUMENT */
export function readLevel(text: string): number {
  if (/^\d$/.test(text)) return Number(text);
  throw new TrigateError('INVALID_ARGUMENT', `-v must be a level from 0 to 9, found ${JSON.stringify(text)}.`);
}
