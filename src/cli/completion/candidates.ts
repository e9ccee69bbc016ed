import type { Command } from 'commander';
import { allOptions, readTypedLine, type TypedLine } from './line.ts';
import type { Lookup, Names } from './names.ts';
import { argumentNames, optionNames } from './providers.ts';

export interface Candidate {
  /** The whole word. */
  readonly word: string;
  readonly description: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** The shell may look for files. */
  readonly files: boolean;
}

/** What may stand in the place of the last word. @param words without the program's name */
export async function complete(program: Command, words: readonly string[], lookup: Lookup): Promise<Completion> {
  const line = readTypedLine(program, words);
  const { word } = line;
  switch (word.type) {
    case 'option':
      return { candidates: startingWith(word.text, optionsOf(line.command)), files: false };
    case 'value':
      return completion(await optionNames(word.option, lookup, line), word.text, word.before);
    case 'argument':
      return commandOrArgument(line, word.text, lookup);
    default:
      return word satisfies never;
  }
}

async function commandOrArgument(line: TypedLine, text: string, lookup: Lookup): Promise<Completion> {
  const commands = line.command.createHelp().visibleCommands(line.command);
  if (line.args.length === 0 && line.command.commands.length > 0) {
    const candidates = commands.map((each) => ({ word: each.name(), description: each.description() }));
    return { candidates: startingWith(text, candidates), files: false };
  }
  return completion(await argumentNames(lookup, line), text, '');
}

function completion(names: Names, text: string, before: string): Completion {
  switch (names.type) {
    case 'files':
      return { candidates: [], files: true };
    case 'names': {
      const { done, typed } = lastOf(names.isList === true, text);
      const all = names.names.filter(isPlain).map((name) => ({ word: name, description: '' }));
      const candidates = startingWith(typed, all).map((each) => ({ ...each, word: `${before}${done}${each.word}` }));
      return { candidates, files: false };
    }
    default:
      return names satisfies never;
  }
}

/** A server may have any names. What a shell would run, split or show otherwise than it stands there is not offered. */
const isPlain = (name: string): boolean => !/[\p{Cc}\s$`;&|()<>'"\\]/u.test(name);

/** In a comma list the last part is being typed. */
function lastOf(isList: boolean, text: string): { readonly done: string; readonly typed: string } {
  const at = isList ? text.lastIndexOf(',') + 1 : 0;
  return { done: text.slice(0, at), typed: text.slice(at) };
}

const startingWith = (text: string, candidates: readonly Candidate[]): Candidate[] =>
  candidates.filter(({ word }) => word.startsWith(text));

const optionsOf = (command: Command): Candidate[] =>
  allOptions(command)
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long, description }) => (long === undefined || long === null ? [] : [{ word: long, description }]))
    .concat({ word: '--help', description: 'display help for command' });
