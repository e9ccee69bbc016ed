import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/program.ts';
import { commandReference } from '../../../src/cli/reference/reference.ts';
import { messagesOn, type Terminal } from '../../../src/cli/terminal.ts';
import { systemClock } from '../../../src/domain/clock.ts';

const nowhere = { write: () => {} };
const terminal: Terminal = {
  stdout: nowhere,
  stderr: nowhere,
  isTty: false,
  outIsTty: false,
  clock: systemClock,
  signal: new AbortController().signal,
  readInput: async () => new Uint8Array(),
};
const program = buildProgram({ terminal, messages: messagesOn(terminal), env: {} }, '0.0.0');
const reference = commandReference(program);

it('docs/cli.md is what the commands say (npm run docs)', async () => {
  expect(await readFile(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8')).toBe(reference);
});

function leaves(command: Command, words: string): [words: string][] {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return below.length === 0 ? [[words]] : below.flatMap((each) => leaves(each, `${words} ${each.name()}`));
}

describe('the reference', () => {
  it.each(leaves(program, 'trigate'))('of "%s" has a description, and an example that begins with it', (words) => {
    const [, section = ''] = reference.split(`\n## ${words}\n`);
    const [own = ''] = section.split('\n## ');
    expect(own).toMatch(/^\n[A-Z“"].+\.\n/);
    expect(own).toMatch(new RegExp(`\n\`\`\`sh\n${words.replace(/ list$/, ' (list|ls)')}`));
  });
});
