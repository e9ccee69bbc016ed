import { describe, expect, it } from 'vitest';
import { tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';

describe('help', () => {
  it.each([
    ['serve'],
    ...['kafka', 'nats'].flatMap((noun) =>
      ['create', 'update', 'delete', 'list'].map((verb): [string] => [`trigger ${noun} ${verb}`]),
    ),
    ['trigger nats publish'],
    ['topic create'],
    ['topic delete'],
    ['topic list'],
    ['topic publish'],
    ['events'],
    ['ledger'],
    ['version'],
  ])('of %s has an example that names it', async (words) => {
    const { code, stdout, stderr } = await commandLine([...words.split(' '), '--help']);
    expect(stdout).toContain(`  $ trigate ${words}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('of a group is shown, as a failure, when its command is missing', async () => {
    const { code, stdout, stderr } = await commandLine(['trigger', 'kafka']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Usage: trigate trigger kafka');
  });
});

describe('help', () => {
  it.each([
    ['help servee', "unknown command 'servee' (Did you mean serve?)"],
    ['function help dploy', "unknown command 'dploy' (Did you mean deploy?)"],
    ['help help', undefined],
    ['help function', undefined],
  ])('%s says which command there is not', async (words, sentence) => {
    const { code, stderr } = await commandLine(words.split(' '));
    const refused = { code: 1, stderr: `FATA[0000] ${sentence}\n` };
    expect({ code, stderr }).toEqual(sentence === undefined ? { code: 0, stderr: '' } : refused);
  });
});

describe('messages', () => {
  it('have logrus’ other form where nobody looks on', async () => {
    const { stderr } = await commandLine(['topic', 'create'], {}, { isTty: false });
    expect(stderr).toBe('time="2026-01-02T03:04:05Z" level=fatal msg="Need exactly one argument - topic name"\n');
  });

  it('show a stack only with -v 9', async () => {
    const failing = ['topic', 'create'];
    expect((await commandLine(failing)).stderr).not.toContain(' at ');
    expect((await commandLine([...failing, '-v', '9'])).stderr).toContain(' at ');
  });

  it.each([true, false])('and stacks steer no terminal, %s', async (isTty) => {
    const args = ['completion', '\u001b]0;pwned\u0007\u009b2J', '-v', '9'];
    const out: string[] = [];
    await commandLine(args, {}, { isTty, stderr: { write: (text) => out.push(String(text)) } });
    const said = out.join('').replaceAll(/\p{Cc}\[\d+m/gu, '');
    expect(said).toContain('pwned');
    expect(said).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('version', () => {
  it('is printed by the command and by the flag', async () => {
    expect((await commandLine(['version'])).stdout).toMatch(/^Trigate version: v\d+\.\d+\.\d+\n$/);
    expect((await commandLine(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a gateway on a terminal', () => {
  it.each([
    ['', true],
    ['1', false],
  ])('with NO_COLOR=%j shows colours: %s', async (value, hasColours) => {
    await using folder = await tempDir('program');
    const args = ['serve', '--port', '0', '--data-dir', folder.path];
    const { code, stdout } = await commandLine(args, { NO_COLOR: value }, { signal: AbortSignal.abort() });
    expect(code).toBe(0);
    expect(stdout.includes('\u001b[')).toBe(hasColours);
  });
});
