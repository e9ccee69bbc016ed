import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { sample, sampleType, startApi, type TestApi } from '../../support/embedded-api.ts';
import { startProcess } from '../../support/process.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const exec = promisify(execFile);

// A cold cache means that kubectl has to be built first.
const BUILDING_MS = 600_000;

let api: TestApi;
let home: TempDir;
let kubectl: string;

beforeAll(async () => {
  kubectl = await kubectlBinary();
  home = await tempDir('kubectl');
  api = await startApi();
}, BUILDING_MS);
afterAll(async () => {
  await api?.close();
  await home?.remove();
});

/** Discovery is cached in the home directory: each run has its own. */
const environment = () => ({ PATH: process.env.PATH, HOME: home.path });
const withServer = (args: readonly string[]) => ['--server', api.url, ...args];

async function run(...args: string[]): Promise<string> {
  const { stdout, stderr } = await exec(kubectl, withServer(args), { env: environment() });
  return `${stdout}${stderr}`;
}

const refusal = (...args: string[]): Promise<string> =>
  run(...args).then(
    (output) => Promise.reject(new Error(`kubectl ${args.join(' ')} succeeded: ${output}`)),
    (error: { stderr: string }) => error.stderr,
  );

async function manifest(name: string, ...documents: object[]): Promise<string> {
  const path = join(home.path, name);
  await writeFile(path, documents.map((document) => JSON.stringify(document)).join('\n---\n'));
  return path;
}

const secondCell = (table: string): string | undefined => table.trim().split('\n').at(-1)?.split(/\s+/)[1];

describe('kubectl against the embedded API server', () => {
  test('create -f, get and delete', async () => {
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'map', namespace: 'other' },
      data: { a: 'b' },
    };
    const file = await manifest('create.yaml', sample('one'), map);
    expect(await run('create', '-f', file)).toBe('sampletrigger.kubeless.io/one created\nconfigmap/map created\n');
    expect(await refusal('create', '-f', file)).toContain('(AlreadyExists)');
    expect(await run('get', 'st')).toMatch(/^NAME +TOPIC +READY +AGE\none +orders +\d+s\n$/);
    expect(await run('get', 'configmaps', '-A', '-o', 'name')).toBe('configmap/map\n');
    expect(JSON.parse(await run('get', 'sampletriggers', 'one', '-o', 'json'))).toMatchObject(sample('one'));
    expect(await run('delete', '-f', file)).toMatch(/"one" deleted.*\n.*"map" deleted/);
    expect(await run('get', 'st')).toContain('No resources found');
  });

  test('apply makes, changes and leaves alone', async () => {
    const map = (data: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied', namespace: 'default' },
      data: { data },
    });
    const apply = async (topic: string) =>
      run('apply', '-f', await manifest('apply.yaml', sample('applied', { topic }), map(topic)));
    const said = (what: string) => `sampletrigger.kubeless.io/applied ${what}\nconfigmap/applied ${what}\n`;
    expect(await apply('a')).toBe(said('created'));
    expect(await apply('a')).toBe(said('unchanged'));
    expect(await apply('b')).toBe(said('configured'));
    expect(secondCell(await run('get', 'st', 'applied'))).toBe('b');
  });

  test('shows the sentence of a refusal, field by field', async () => {
    const broken = { ...sample('broken'), spec: { functionSelector: {}, size: 'x' } };
    const said = await refusal('create', '-f', await manifest('broken.yaml', broken));
    expect(said).toContain('The SampleTrigger "broken" is invalid');
    expect(said).toContain('spec.topic: is missing');
    expect(said).toContain('spec.size: must be a number, found "x"');
  });

  test('get -w prints what happens while it runs', async () => {
    const args = withServer(['get', 'st', '-n', 'watched', '-w', '--output-watch-events']);
    const watching = await startProcess(kubectl, args, { name: 'kubectl', env: environment() });
    onTestFinished(async () => void (await watching.stop('SIGTERM', 5_000)));
    const make = api.resources.create(sampleType, sample('seen', { namespace: 'watched' }));
    await make;
    await watching.line(/^ADDED +seen +orders/);
    await api.resources.patch(sampleType, 'watched', 'seen', { spec: { topic: 'changed' } });
    await watching.line(/^MODIFIED +seen +changed/);
    await api.resources.delete(sampleType, 'watched', 'seen');
    await watching.line(/^DELETED +seen/);
  });

  test('label, patch of the status, explain and deletion by selector', async () => {
    await api.resources.create(sampleType, sample('labelled'));
    await run('label', 'st', 'labelled', 'app=web');
    await run('patch', 'st', 'labelled', '--subresource=status', '--type=merge', '-p', '{"status":{"seen":3}}');
    const stored = await api.resources.get(sampleType, 'default', 'labelled');
    expect(stored).toMatchObject({ metadata: { labels: { app: 'web' }, generation: 1 }, status: { seen: 3 } });
    expect(await run('explain', 'sampletriggers')).toContain('KIND:       SampleTrigger');
    expect(await run('delete', 'st', '-l', 'app=web')).toContain('"labelled" deleted');
  });

  test('api-resources lists all types', async () => {
    const names = (await run('api-resources', '-o', 'name')).trim().split('\n');
    expect(names).toEqual(
      expect.arrayContaining([
        'configmaps',
        'namespaces',
        'secrets',
        'functions.kubeless.io',
        'sampletriggers.kubeless.io',
      ]),
    );
  });
});
