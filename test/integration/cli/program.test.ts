import { describe, expect, it } from 'vitest';
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
});

describe('version', () => {
  it('is printed by the command and by the flag', async () => {
    expect((await commandLine(['version'])).stdout).toMatch(/^Trigate version: v\d+\.\d+\.\d+\n$/);
    expect((await commandLine(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
