import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { BUILDING_MS } from '../../services/kube-apiserver/start.ts';
import { kubelessBinary } from '../../services/kubeless/kubeless.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { startPublicFile } from '../../support/public-file.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import type { Result } from './command-line.ts';
import { type World, worlds } from './worlds.ts';

const CODE = "module.exports = { main: (event) => 'hello' };\n";

let folder: TempDir;
beforeAll(async () => {
  await Promise.all([kubeApiCanStart(), kubelessBinary()]);
  folder = await tempDir('original');
  await file('hello.js', CODE);
  await file('package.json', '{"dependencies":{"lodash":"4"}}');
  await file('code.zip', Buffer.from([0x50, 0x4b, 0xff, 0xfe]));
  await file('code.tar.gz', Buffer.from([0x1f, 0x8b, 0xff, 0xfe]));
  await file('text.tgz', CODE);
}, BUILDING_MS);
afterAll(() => folder?.remove());

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, content);
  return path;
}

const words = (line: string): string[] =>
  line.split(' ').map((word) => (word.startsWith('@/') ? join(folder.path, word.slice(2)) : word));

const BASE = '--runtime nodejs14 --handler hello.main --from-file @/hello.js';
const deployments = [
  BASE,
  '--runtime python3.7 --handler hello.main',
  '--runtime-image example.com/image:1',
  `${BASE} --timeout 10 --image-pull-policy IfNotPresent --service-account robot`,
  `${BASE} -l app=shop,tier:web -l empty`,
  `${BASE} -l function=other`,
  `${BASE} -e A=1,B:2 -e C=x=y -e EMPTY`,
  `${BASE} --secrets keys,more --node-selectors disk=ssd,zone:a`,
  `${BASE} --memory 128Mi --cpu 500m`,
  `${BASE} --memory 1.5G`,
  `${BASE} --cpu 0.5`,
  `${BASE} --port 9000`,
  `${BASE} --port 9000 --servicePort 80 --headless`,
  `${BASE} --dependencies @/package.json`,
  '--runtime nodejs14 --handler hello.main -f @/code.zip',
  '--runtime nodejs14 --handler hello.main -f @/code.tar.gz',
  '--runtime nodejs14 --handler hello.main -f @/text.tgz',
];

/** Where Kubeless puts a default or a zero in the place of what is not given, it is given here. */
const KEPT = '--port 8080 --timeout 180 --image-pull-policy Always';
const updates = [
  `${KEPT} --from-file @/text.tgz`,
  `${KEPT} --runtime python3.7 --handler a.b --dependencies @/package.json`,
  `${KEPT} -l app=shop,new=1`,
  `${KEPT} -e Z=9`,
  `${KEPT} --secrets extra --node-selectors disk=hdd`,
  `${KEPT} --memory 1Gi --cpu 2`,
  '--port 9000 --servicePort 81 --timeout 7 --image-pull-policy Never --headless --service-account robot',
  `${KEPT} --runtime-image example.com/other`,
];
const RICH = `${BASE} -l app=shop -e A=1,B=2 --secrets keys --node-selectors disk=ssd --memory 128Mi --cpu 1`;

/**
 * All but what the server, or who runs it, adds. Go writes a field that is not set as null; a merge patch, with which
 * Kubeless updates, takes a null for the wish to have no such field; so the two are the same.
 */
const written = ({ metadata, spec }: KubernetesObject): unknown =>
  JSON.parse(JSON.stringify({ name: metadata.name, labels: metadata.labels, spec }), (_, value) => value ?? undefined);

describe.each(worlds)('on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  }, BUILDING_MS);
  afterAll(() => world?.[Symbol.asyncDispose]());

  /** Level and text of each message. */
  const messages = ({ stderr }: Result) =>
    [...stderr.matchAll(/level=(\w+) msg=(.*)$/gm)].map(([, level, text]) => `${level} ${text}`);

  const stored = async () => written(await world.resources.get(functionType, 'default', 'hello'));

  /** What is stored after these commands, each of them successful, and what the last of them says; nothing is left. */
  async function storedAfter(...commands: (() => Promise<Result>)[]) {
    let said: readonly string[] = [];
    for (const run of commands) {
      const result = await run();
      expect(result).toMatchObject({ code: 0, stdout: '' });
      // That nothing runs it yet is said beside Kubeless' words.
      said = messages(result).filter((text) => !text.includes('nothing of Trigate runs it yet'));
    }
    const object = await stored();
    expect(await world.original(['function', 'delete', 'hello'])).toMatchObject({ code: 0 });
    return { object, said };
  }
  const original = (verb: string, flags: string) => () => world.original(['function', verb, 'hello', ...words(flags)]);
  const ours = (verb: string, flags: string) => () =>
    world.run(['function', verb, 'hello', ...words(flags)], { isTty: false });

  test.each(deployments)('deploy %s writes what Kubeless writes', async (flags) => {
    const theirs = await storedAfter(original('deploy', flags));
    expect(await storedAfter(ours('deploy', flags))).toEqual(theirs);
  });

  test.each(updates)('update %s writes what Kubeless writes', async (flags) => {
    const theirs = await storedAfter(original('deploy', RICH), original('update', flags));
    expect(await storedAfter(original('deploy', RICH), ours('update', flags))).toEqual(theirs);
  });

  test('code at a URL is stored as the URL, with the checksum of what is there', async () => {
    await using server = await startPublicFile(CODE);
    const flags = `--runtime nodejs14 --handler hello.main --from-file ${server.url}/hello.js?raw=1`;
    const theirs = await storedAfter(original('deploy', flags));
    expect(await storedAfter(ours('deploy', flags))).toEqual(theirs);
    const spec = { function: `${server.url}/hello.js?raw=1`, 'function-content-type': 'url' };
    expect(theirs.object).toMatchObject({ spec });
  });

  test('deploy --schedule makes the same CronJobTrigger', async () => {
    const made = async (run: () => Promise<Result>) => {
      await storedAfter(run);
      const trigger = await world.resources.get(cronJobTriggerType, 'default', 'hello');
      await world.resources.delete(cronJobTriggerType, 'default', 'hello');
      return written(trigger);
    };
    const flags = `${BASE} --schedule @hourly`;
    const theirs = await made(original('deploy', flags));
    expect(await made(ours('deploy', flags))).toEqual(theirs);
  });

  test('deploy --dryrun prints what Kubeless prints, but for empty creation times', async () => {
    const args = ['function', 'deploy', 'hello', ...words(RICH), '--dryrun', '-o', 'json'];
    const [theirs, mine] = [await world.original(args), await world.run(args)];
    const { creationTimestamp: _, ...metadata } = JSON.parse(theirs.stdout).metadata;
    expect(JSON.parse(mine.stdout)).toEqual({ ...JSON.parse(theirs.stdout), metadata });
  });

  test.each([
    ['function deploy', 'Need exactly one argument - function name'],
    ['function deploy hello --handler a.b', 'Either `--runtime` or `--runtime-image` flag must be specified.'],
    ['function deploy hello --runtime nodejs14', 'You must specify handler for the runtime.'],
    [
      'function deploy hello --runtime ruby2.5 --handler a.b',
      'Invalid runtime: ruby2.5. Supported runtimes are: nodejs14, python3.7',
    ],
    ['function update nope', 'Function nope is not found'],
    ['function describe nope', 'Function nope is not found'],
    ['function ls nope', String.raw`Error listing function nope: functions.kubeless.io \"nope\" not found`],
    ['function top -f nope', String.raw`Error listing functions: functions.kubeless.io \"nope\" not found`],
    ['function delete nope', String.raw`functions.kubeless.io \"nope\" not found`],
    ['function delete a b', 'Need exactly one argument - function name'],
  ])('%s fails as with Kubeless: %s', async (line, message) => {
    const theirs = await world.original(words(line));
    const mine = await world.run(words(line), { isTty: false });
    expect([theirs.code, mine.code]).toEqual([1, 1]);
    expect(messages(theirs).at(-1)).toBe(`fatal "${message}"`);
    expect(messages(mine)).toEqual(messages(theirs));
  });

  test('get-server-config says the same', async () => {
    const said = ({ code, stdout, stderr }: Result) => ({
      code,
      stdout,
      stderr: stderr.replaceAll(/time="[^"]+" /g, ''),
    });
    const theirs = said(await world.original(['get-server-config']));
    expect(said(await world.run(['get-server-config'], { isTty: false }))).toEqual(theirs);
  });

  test('list and describe show the same cells', async () => {
    expect(await world.original(['function', 'deploy', 'hello', ...words(RICH), '-n', 'default'])).toMatchObject({
      code: 0,
    });
    const cells = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) =>
          line
            .split(/ *\t *| {3,}/)
            .map((cell) => cell.trim())
            .filter(Boolean),
        );
    const both = async (args: string[]) => {
      const [theirs, mine] = [await world.original(args), await world.run(args)];
      expect([theirs.code, mine.code]).toEqual([0, 0]);
      return { theirs: cells(theirs.stdout), mine: cells(mine.stdout) };
    };
    const list = await both(['function', 'ls', 'hello']);
    expect(list.mine).toEqual(list.theirs);
    const rows = await both(['function', 'describe', 'hello']);
    expect(rows.mine.slice(0, rows.theirs.length)).toEqual(rows.theirs);
    await world.original(['function', 'delete', 'hello']);
  });
});

test('call and top on a standalone gateway print what Kubeless prints', async () => {
  await using world = await worlds[0].open();
  await file('echo.js', 'module.exports = { main: ({ data }) => data };\n');
  const deploy = words('function deploy echo --runtime nodejs14 --handler echo.main --from-file @/echo.js');
  expect(await world.run(deploy)).toMatchObject({ code: 0 });
  const isReady = async () => (await world.run(words('function ls echo'))).stdout.includes('1/1 READY');
  await eventually('it answers', isReady, { within: 30_000 });

  for (const line of ['function call echo', 'function call echo --data {"a":1}', 'function call echo --data text']) {
    const theirs = await world.original(words(line));
    expect(await world.run(words(line), { isTty: false }), line).toEqual(theirs);
    expect(theirs.code, line).toBe(0);
  }
  const rows = ({ code, stdout }: Result) => ({
    code,
    // Durations differ by what the other command has called meanwhile: nothing. Kubeless shows methods in any order.
    rows: stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(0, 5).join(' '))
      .sort(),
  });
  const theirs = await world.original(words('function top -f echo'));
  expect(rows(await world.run(words('function top -f echo')))).toEqual(rows(theirs));
});

test('version names the program and its version, as with Kubeless', async () => {
  await using world = await worlds[0].open();
  const [theirs, mine] = [await world.original(['version']), await world.run(['version'])];
  expect([theirs.code, theirs.stdout]).toEqual([0, expect.stringMatching(/^Kubeless version: \S+\n$/)]);
  expect([mine.code, mine.stdout]).toEqual([0, expect.stringMatching(/^Trigate version: v\S+\n$/)]);
});
