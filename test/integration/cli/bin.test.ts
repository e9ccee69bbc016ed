import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startProcess } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { fakeGateway } from './fake-gateway.ts';
import { machinePath, olderNode } from './older-node.ts';

const root = join(import.meta.dirname, '../../..');
const program = join(root, 'bin/trigate.js');
const older = olderNode();

interface Result {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const execute = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  new Promise<Result>((resolve) => {
    execFile(command, args, { cwd: root, env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });

it('says why nothing could be written', async () => {
  const full = await execute('sh', ['-c', '"$0" "$1" version > /dev/full', process.execPath, program]);
  expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('Standard output cannot be written: ENOSPC') });
});

describe('what was compiled', () => {
  const version = (cache: string) => execute(process.execPath, [program, 'version'], { XDG_CACHE_HOME: cache });

  it('is kept for the next command, in a folder of the user', async () => {
    await using folder = await tempDir('cache');
    const first = await version(folder.path);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const kept = await readdir(join(folder.path, 'trigate', 'compiled'), { recursive: true });
    expect(kept.length).toBeGreaterThan(10);
    expect(await version(folder.path)).toEqual(first);
  });

  it('is compiled each time where nothing can be kept', async () => {
    expect(await version('/dev/null')).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('in a checkout', () => {
  it.each(['trigate', 'kubeless'])('npx %s runs the program with whatever Node.js the machine has', async (name) => {
    const result = await execute('npx', ['--no', name, 'version'], { ...process.env, PATH: machinePath });
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Trigate version: v\d/) });
  });
});

describe.skipIf(older === undefined)('on a Node.js that is too old (skipped: the machine has none)', () => {
  const node = older ?? '';

  it('runs with the packaged one, and passes arguments, output and exit code', async () => {
    expect(await execute(node, [program, 'version'])).toMatchObject({ code: 0, stdout: expect.stringContaining('v') });
    expect(await execute(node, [program, 'topic', 'create'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Need exactly one argument - topic name'),
    });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('hands %s on, and ends as the program ends', async (signal) => {
    await using gateway = await fakeGateway({ 'GET /v1/events': { stream: ': open\n\n', open: true } });
    const args = [program, 'events', '--follow', '--gateway', gateway.url];
    const running = await startProcess(node, args, { name: 'trigate events' });
    await running.line(/^TIME/);
    expect(await running.stop(signal, 10_000)).toEqual({ code: 0, signal: null });
  });

  it('says what to install where no other is packaged', async () => {
    await using folder = await tempDir('bin');
    await copyProgram(folder.path);
    const result = await execute(node, [join(folder.path, 'bin/trigate.js'), 'version']);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /^trigate needs Node\.js 22\.19 or newer and this is \d+\.\d+\.\d+: install it .+\n$/,
    );
  });
});

it('runs the compiled program in a release', async () => {
  await using folder = await tempDir('bin');
  await copyProgram(folder.path);
  await mkdir(join(folder.path, 'dist/src/cli'), { recursive: true });
  await writeFile(join(folder.path, 'dist/src/cli/main.js'), 'console.log(process.argv.slice(2).join());');
  const result = await execute(process.execPath, [join(folder.path, 'bin/trigate.js'), 'a', 'b']);
  expect(result).toEqual({ code: 0, stdout: 'a,b\n', stderr: '' });
});

async function copyProgram(folder: string): Promise<void> {
  await mkdir(join(folder, 'bin'));
  await cp(program, join(folder, 'bin/trigate.js'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
}
