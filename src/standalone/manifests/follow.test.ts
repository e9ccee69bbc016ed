import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { type ResourceApi, startResourceApi } from '../../../test/support/resource-api.ts';
import { type TempDir, tempDir } from '../../../test/support/temp.ts';
import { systemClock } from '../../domain/clock.ts';
import { type FunctionObject, functionResource } from '../../domain/function.ts';
import type { Logger } from '../../domain/kind.ts';
import type { ServedType } from '../../domain/resource.ts';
import { followManifests, type ManifestReport } from './follow.ts';
import { formatProblem } from './manifest.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** The server knows more than the manifests are checked for. */
const served: ServedType = {
  ...functionResource,
  validate: (object) =>
    JSON.stringify(object.spec).includes('forbidden')
      ? [{ path: ['spec', 'handler'], message: 'is forbidden' }]
      : functionResource.validate(object),
};

let api: ResourceApi;
let dir: TempDir;
let root: string;
let count = 0;

beforeAll(async () => {
  api = await startResourceApi([served]);
  dir = await tempDir('manifests');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await dir.remove();
});
beforeEach(async () => {
  root = join(dir.path, `root-${++count}`);
  await mkdir(root);
});

const name = (suffix = 'a') => `f${count}-${suffix}`;

/** A Function with that handler. */
const manifest = (suffix: string, handler: string): string =>
  `apiVersion: kubeless.io/v1beta1\nkind: Function\nmetadata:\n  name: ${name(suffix)}\nspec:\n  handler: ${handler}\n`;

async function save(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(join(root, file), text);
}

async function start(paths: string[] = [root]) {
  const reports: ManifestReport[] = [];
  const follower = await followManifests({
    dirs: paths,
    resources: api.resources,
    types: [functionResource],
    clock: systemClock,
    log: silent,
    onReport: (report) => reports.push(report),
  });
  onTestFinished(() => follower.close());
  const problems = () => (reports.at(-1)?.problems ?? []).map(formatProblem);
  return { follower, reports, problems };
}

const stored = (suffix = 'a') =>
  api.resources.get<FunctionObject>(functionResource, 'default', name(suffix)).catch(() => undefined);

const handlerOf = async (suffix = 'a') => (await stored(suffix))?.spec?.handler;

const becomes = (handler: string | undefined, suffix = 'a') =>
  eventually(`the handler is ${handler}`, async () => (await handlerOf(suffix)) === handler);

describe('at the start', () => {
  test('objects are applied before it resolves; applied again, nothing is written', async () => {
    await save('a.yaml', manifest('a', 'm.f'));
    const { reports, follower } = await start();
    expect(reports[0]).toMatchObject({ objects: 1, created: [`Function default/${name()}`], changed: [], deleted: [] });
    const before = await stored();
    await follower.close();
    const { reports: second } = await start();
    expect(second[0]).toMatchObject({ created: [], changed: [], deleted: [] });
    expect(await stored()).toEqual(before);
  });

  test('an object whose file went while nobody looked is deleted; one that was never in a file stays', async () => {
    await save('a.yaml', manifest('a', 'm.f'));
    await (await start()).follower.close();
    await rm(join(root, 'a.yaml'));
    const metadata = { name: name('other'), namespace: 'default' };
    await api.resources.create(functionResource, {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'Function',
      metadata,
      spec: {},
    });
    await start();
    expect(await stored()).toBeUndefined();
    expect(await stored('other')).toBeDefined();
  });

  test('what belongs to the server and the controllers stays', async () => {
    await save('a.yaml', manifest('a', 'm.f'));
    await (await start()).follower.close();
    await api.resources.patch(functionResource, 'default', name(), { metadata: { finalizers: ['a.b/c'] } });
    await api.resources.updateStatus<FunctionObject>(functionResource, 'default', name(), (object) => ({
      ...object,
      status: { endpoint: 'http://x' },
    }));
    await save('a.yaml', manifest('a', 'm.g'));
    await start();
    const { metadata, spec, status } = (await stored()) ?? {};
    expect(spec).toEqual({ handler: 'm.g' });
    expect(status).toEqual({ endpoint: 'http://x' });
    expect(metadata?.finalizers).toEqual(['a.b/c']);
    await api.resources.patch(functionResource, 'default', name(), { metadata: { finalizers: null } });
  });

  test('an object that the server refuses is a problem at its place, and the others are applied', async () => {
    await save('a.yaml', `${manifest('a', 'forbidden.f')}---\n${manifest('b', 'm.f')}`);
    const { problems } = await start();
    expect(problems()).toEqual([
      expect.stringMatching(new RegExp(`a\\.yaml:1:1: Function default/${name()} was refused: .*forbidden`)),
    ]);
    expect(await handlerOf('b')).toBe('m.f');
  });

  test('a single file can be given', async () => {
    await save('a.yaml', manifest('a', 'm.f'));
    await save('b.yaml', manifest('b', 'm.f'));
    await start([join(root, 'a.yaml')]);
    expect(await handlerOf('a')).toBe('m.f');
    expect(await handlerOf('b')).toBeUndefined();
    await save('a.yaml', manifest('a', 'm.g'));
    await becomes('m.g');
  });
});

describe('while it follows', () => {
  test('an edit is applied, also when the editor renames a new file over the old one', async () => {
    await save('a.yaml', manifest('a', 'm.f'));
    await start();
    await save('a.yaml', manifest('a', 'm.g'));
    await becomes('m.g');
    await save('.a.yaml.swp', manifest('a', 'm.h'));
    await rename(join(root, '.a.yaml.swp'), join(root, 'a.yaml'));
    await becomes('m.h');
  });

  test('new files are applied, and objects that vanish are deleted', async () => {
    await save('a.yaml', `${manifest('a', 'm.f')}---\n${manifest('b', 'm.f')}`);
    await start();
    await save('c.yml', manifest('c', 'm.f'));
    await becomes('m.f', 'c');
    await save('a.yaml', manifest('a', 'm.f'));
    await becomes(undefined, 'b');
    await rm(join(root, 'a.yaml'));
    await becomes(undefined, 'a');
  });

  test('a bad edit is reported, and its last good state stays until it is mended', async () => {
    await save('a.yaml', `${manifest('a', 'm.f')}---\n${manifest('b', 'm.f')}`);
    const { problems } = await start();
    await save('a.yaml', `${manifest('a', 'nothing')}`);
    await eventually('the problem is reported', () => problems().length === 1);
    expect(problems()).toEqual([`${join(root, 'a.yaml')}:6:3: spec.handler must be module.function, found "nothing".`]);
    expect([await handlerOf('a'), await handlerOf('b')]).toEqual(['m.f', 'm.f']);
    await save('a.yaml', manifest('a', 'm.g'));
    await becomes('m.g', 'a');
    await becomes(undefined, 'b');
    expect(problems()).toEqual([]);
  });

  test('the code beside a manifest is followed too', async () => {
    const text = manifest('a', 'm.f').replace('spec:', '  annotations:\n    trigate.dev/from-file: code/m.js\nspec:');
    await save('a.yaml', text);
    await save('code/m.js', 'one');
    await start();
    expect((await stored())?.spec?.function).toBe('one');
    await save('code/m.js', 'two');
    await eventually('the new code is there', async () => (await stored())?.spec?.function === 'two');
  });

  test('a folder that goes away takes nothing with it, and is followed when it is back', async () => {
    await save('a.yaml', manifest('a', 'm.f'));
    const { problems } = await start();
    await rm(root, { recursive: true });
    await eventually('it is missed', () => problems().some((problem) => problem.includes('does not exist')));
    expect(await handlerOf()).toBe('m.f');
    await save('a.yaml', manifest('a', 'm.g'));
    await becomes('m.g');
    await save('a.yaml', manifest('a', 'm.h'));
    await becomes('m.h');
  });
});
