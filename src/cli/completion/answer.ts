import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { complete } from './candidates.ts';
import { serverLookup } from './lookup.ts';

/** Cobra's directives, which kubectl knows as well: whether the shell may look for files. */
const FILES = ':0';
const NO_FILES = ':4';

/** Prints what may stand in the place of the last word: one on each line, its description behind a tab, a directive at the end. */
export async function answerCompletion(program: Command, words: readonly string[], shell: Shell): Promise<void> {
  const { candidates, files } = await complete(program, words, serverLookup(shell));
  const lines = candidates.map(({ word, description }) => (description === '' ? word : `${word}\t${description}`));
  shell.terminal.stdout.write(`${[...lines, files ? FILES : NO_FILES].join('\n')}\n`);
}
