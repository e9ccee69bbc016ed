import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type TempDir, tempDir } from '../support/temp.ts';
import { cached, pinned, run } from './cache.ts';

let folder: TempDir;

beforeEach(async () => {
  folder = await tempDir('cache');
  vi.stubEnv('XDG_CACHE_HOME', folder.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

test('two builds that race end in one whole folder, which is not built again', async () => {
  const bothBuilding = Promise.withResolvers<void>();
  let builds = 0;
  const build = async (into: string) => {
    if (++builds === 2) bothBuilding.resolve();
    await bothBuilding.promise;
    await writeFile(join(into, 'program'), 'built');
  };
  const places = await Promise.all([cached('tool', '1.0', build), cached('tool', '1.0', build)]);
  expect(places).toEqual(Array(2).fill(join(folder.path, 'trigate', 'tool-1.0')));
  expect(await readFile(join(places[0] ?? '', 'program'), 'utf8')).toBe('built');
  await cached('tool', '1.0', build);
  expect(builds).toBe(2);
  expect(await readdir(join(folder.path, 'trigate'))).toEqual(['tool-1.0']);
});

test('a build that fails leaves nothing behind', async () => {
  await expect(cached('tool', '1.0', () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
  expect(await readdir(join(folder.path, 'trigate'))).toEqual([]);
});

test('a toolchain that is missing names itself and what to install', async () => {
  const tool = { command: 'no-such-compiler', install: 'Install the compiler.' };
  await expect(run(tool, [])).rejects.toThrow(
    'The tests need no-such-compiler, which is not installed. Install the compiler.',
  );
});

test('a build that ends with an error rejects with its output', async () => {
  const tool = { command: process.execPath, install: '' };
  await expect(run(tool, ['-e', 'console.error("bad input"); process.exit(3)'])).rejects.toThrow('bad input');
});

test('a version that the build file does not pin is an error', async () => {
  await writeFile(join(folder.path, 'go.mod'), 'module x');
  await expect(pinned(join(folder.path, 'go.mod'), /v(\d+)/)).rejects.toThrow('pins no version');
});
