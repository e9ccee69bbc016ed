import type { Command, Option } from 'commander';

/** A command line that is being typed, as far as it can be understood. */
export interface TypedLine {
  /** The deepest command that has been named. */
  readonly command: Command;
  /** Its words, without the program's name: `['trigger', 'kafka', 'delete']`. */
  readonly path: readonly string[];
  /** Arguments of the command before the word that is being typed. */
  readonly args: readonly string[];
  /** Values of options, by their attribute names. */
  readonly flags: Readonly<Record<string, string>>;
  /** What the word that is being typed is. */
  readonly word:
    | { readonly type: 'argument' | 'option'; readonly text: string }
    /** `before` stands in the same word: `--output=`. */
    | { readonly type: 'value'; readonly option: Option; readonly before: string; readonly text: string };
}

/**
 * Reads a line up to the word that is being typed. What is wrong in it is passed by: a person is not done yet.
 * @param words without the program's name; the last one is being typed, and may be empty
 */
export function readTypedLine(program: Command, words: readonly string[]): TypedLine {
  const typed = words.at(-1) ?? '';
  const line = { command: program, path: [] as string[], args: [] as string[], flags: {} as Record<string, string> };
  let waiting: Option | undefined;
  let onlyArguments = false;
  for (const word of words.slice(0, -1)) {
    if (waiting !== undefined) {
      line.flags[waiting.attributeName()] = word;
      waiting = undefined;
    } else if (onlyArguments) line.args.push(word);
    else if (word === '--') onlyArguments = true;
    else if (word.startsWith('-')) waiting = readOption(line, word);
    else readWord(line, word);
  }
  const rest = { ...line, path: line.path, args: line.args };
  if (waiting !== undefined) return { ...rest, word: { type: 'value', option: waiting, before: '', text: typed } };
  const [, flag = '', text = ''] = /^(--[^=]+)=(.*)$/s.exec(typed) ?? [];
  const option = findOption(line.command, flag);
  if (!onlyArguments && option !== undefined)
    return { ...rest, word: { type: 'value', option, before: `${flag}=`, text } };
  const type = typed.startsWith('-') && !onlyArguments ? 'option' : 'argument';
  return { ...rest, word: { type, text: typed } };
}

interface Reading {
  command: Command;
  readonly path: string[];
  readonly args: string[];
  readonly flags: Record<string, string>;
}

/** @returns the option, when the next word is its value */
function readOption(line: Reading, word: string): Option | undefined {
  const [, flag = word, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  const option = findOption(line.command, flag);
  if (option === undefined) return undefined;
  if (value !== undefined) line.flags[option.attributeName()] = value;
  return value === undefined && option.required ? option : undefined;
}

function readWord(line: Reading, word: string): void {
  const below = commandBelow(line.command, word);
  if (below === undefined || line.args.length > 0) line.args.push(word);
  else {
    line.command = below;
    line.path.push(below.name());
  }
}

/** The command of a group that a word names. */
export const commandBelow = (command: Command, word: string): Command | undefined =>
  command.commands.find((each) => each.name() === word || each.aliases().includes(word));

export function findOption(command: Command, flag: string): Option | undefined {
  return allOptions(command).find(({ short, long }) => flag !== '' && (short === flag || long === flag));
}

/** Its own, then those of the commands above. */
export function allOptions(command: Command): readonly Option[] {
  return command.parent === null ? command.options : [...command.options, ...allOptions(command.parent)];
}
