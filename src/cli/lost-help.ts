import type { Command } from 'commander';
import { commandBelow, readTypedLine } from './completion/line.ts';

/**
 * Commander answers `help nope` with the help of the group, and says nothing of `nope`. Without `help` before it the word is
 * refused as any unknown command is, with the nearest one.
 */
export function withoutLostHelp(args: readonly string[], program: Command): readonly string[] {
  const { command, args: rest } = readTypedLine(program, [...args, '']);
  const [help, word] = rest;
  if (help !== 'help' || word === undefined || command.commands.length === 0) return args;
  return commandBelow(command, word) === undefined ? args.toSpliced(args.indexOf(help), 1) : args;
}
