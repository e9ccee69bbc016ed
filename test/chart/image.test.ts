import { existsSync } from 'node:fs';
import { copyFile, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { run } from '../services/cache.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { tempDir } from '../support/temp.ts';

const ROOT = join(import.meta.dirname, '../..');
const MANIFESTS = join(ROOT, 'examples/compose/manifests');

async function instructions(): Promise<{ name: string; value: string }[]> {
  const text = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).replaceAll('\\\n', '');
  return text.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return name === '' ? [] : [{ name, value }];
  });
}

test('the image runs Node.js as PID 1, as a user who is a number and not root', async () => {
  const last = new Map((await instructions()).map(({ name, value }) => [name, value]));
  expect(last.get('USER')).toMatch(/^[1-9]\d+:[1-9]\d+$/);
  const [first, ...others] = z.array(z.string()).parse(JSON.parse(last.get('ENTRYPOINT') ?? ''));
  expect(first).toMatch(/\/node$/);
  expect(others).toEqual(['--max-semi-space-size=16', 'dist/src/cli/main.js']);
});

test('the build of the image gets what it needs, and nothing that the checkout happens to hold', async () => {
  const [everything, ...kept] = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).trim().split('\n');
  expect(everything).toBe('*');
  const names = kept.map((line) => line.replace(/^!/, ''));
  for (const name of names) expect(existsSync(join(ROOT, name)), name).toBe(true);
  const [, first = ''] = /COPY (.*) \.\/\n/.exec(await readFile(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];
  expect(names).toEqual(expect.arrayContaining(first.split(' ')));
});

test('the compiled program starts, and drains at SIGTERM', async () => {
  await using folder = await tempDir('image');
  const out = join(folder.path, 'dist');
  const tsc = { command: join(ROOT, 'node_modules/.bin/tsc'), install: 'Run npm ci.' };
  await run(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', out]);
  await copyFile(join(ROOT, 'package.json'), join(folder.path, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
  const program = join(out, 'src/cli/main.js');
  await using gateway = await startGateway({ program, folders: [MANIFESTS], probe: '/livez' });
  await gateway.kill('SIGTERM');
  expect(await gateway.exited()).toEqual({ code: 0, signal: null });
});

test('docker-compose.yml mounts what is there, and runs each function that its manifests name', async () => {
  const compose = z
    .object({ services: z.record(z.string(), z.object({ volumes: z.array(z.string()).optional() })) })
    .parse(parse(await readFile(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }));
  const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  const files = mounted.map((volume) => volume.split(':')[0] ?? '').filter((path) => path.startsWith('./'));
  for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);

  await using gateway = await startGateway({ folders: [MANIFESTS], probe: '/livez' });
  const applied = async (plural: string) => items.parse(await gateway.get(`/apis/kubeless.io/v1beta1/${plural}`)).items;
  const functions = await eventually('all is applied', async () => {
    const found = await applied('functions');
    const triggers = [...(await applied('kafkatriggers')), ...(await applied('natstriggers'))];
    return found.length === 2 && triggers.length === 2 && found;
  });
  const hosts = functions.map(({ spec }) => new URL(spec.endpoint ?? '').hostname);
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(hosts));
});

const items = z.object({ items: z.array(z.object({ spec: z.object({ endpoint: z.string().optional() }) })) });
