import type { Command } from 'commander';
import { TrigateError } from '../domain/errors.ts';
import { commandBelow, findOption } from './completion/line.ts';

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
  const tied: string[] = [];
  let command = program;
  // What stands behind an option with a value is that value, whatever it looks like. One letter is another option elsewhere.
  let isValue = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--' && !isValue) return [...tied, ...args.slice(i)];
    const option = isValue ? undefined : optional.find(({ flags }) => flags.some((flag) => flag === arg));
    if (option === undefined) {
      tied.push(arg);
      if (!isValue) command = commandBelow(command, arg) ?? command;
      isValue = !isValue && findOption(command, arg)?.required === true;
      continue;
    }
    const next = args[i + 1] ?? '';
    const hasValue = option.value.test(next);
    tied.push(`${option.flags.at(-1)}=${hasValue ? next : option.alone}`);
    if (hasValue) i++;
  }
  return tied;
}

/** The level of `-v`. @throws TrigateError INVALID_ARGUMENT */
export function readLevel(text: string): number {
  if (/^\d$/.test(text)) return Number(text);
  throw new TrigateError('INVALID_ARGUMENT', `-v must be a level from 0 to 9, found ${JSON.stringify(text)}.`);
}
