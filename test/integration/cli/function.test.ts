import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { functionType } from '../../../src/domain/function.ts';
import { BUILDING_MS } from '../../services/kube-apiserver/start.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { eventually } from '../../support/eventually.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';
import { CODE, createNamespace, said, words } from './function-parts.ts';
import { type World, worlds } from './worlds.ts';

let folder: TempDir;
let code: string;
beforeAll(async () => {
  await kubeApiCanStart();
  folder = await tempDir('function');
  code = join(folder.path, 'hello.js');
  await writeFile(code, CODE);
}, BUILDING_MS);
afterAll(() => folder?.remove());

const flags = () => words(`--runtime nodejs14 --handler hello.main --from-file ${code}`);
const submitted = (name: string) => [
  `INFO[0000] Function ${name} submitted for deployment`,
  `INFO[0000] Check the deployment status executing 'kubeless function ls ${name}'`,
];

let count = 0;
let name: string;
beforeEach(() => {
  name = `f${++count}`;
});

describe.each(worlds)('on $name', ({ name: where, open }) => {
  const isCluster = where.includes('kube');
  let world: World;
  beforeAll(async () => {
    world = await open();
  }, BUILDING_MS);
  afterAll(() => world?.[Symbol.asyncDispose]());

  const run = (line: string) => world.run(words(line));
  const deploy = (more = '') => world.run(['function', 'deploy', name, ...flags(), ...(more ? words(more) : [])]);

  test('deploy, update and delete say what Kubeless says', async () => {
    const nothingRunsIt = `WARN[0000] Function ${name} is stored, and nothing of Trigate runs it yet: a cluster needs Kubeless' own controller for that.`;
    expect(await deploy()).toEqual({
      code: 0,
      stdout: '',
      stderr: said('INFO[0000] Deploying function...', ...submitted(name), ...(isCluster ? [nothingRunsIt] : [])),
    });
    expect(await deploy()).toEqual({
      code: 1,
      stdout: '',
      stderr: said(
        'INFO[0000] Deploying function...',
        `FATA[0000] Failed to deploy ${name}. Received: functions.kubeless.io "${name}" already exists`,
      ),
    });
    expect(await run(`function update ${name} --env A=1 --timeout 7`)).toEqual({
      code: 0,
      stdout: '',
      stderr: said('INFO[0000] Redeploying function...', ...submitted(name)),
    });
    expect(await run(`function update ${name} --label app=web`)).toMatchObject({ code: 0 });
    expect(await world.resources.get(functionType, 'default', name)).toMatchObject({
      metadata: { labels: { app: 'web', function: name } },
      spec: { timeout: '7', handler: 'hello.main' },
    });
    expect(await run(`function delete ${name}`)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await run(`function delete ${name}`)).toEqual({
      code: 1,
      stdout: '',
      stderr: said(`FATA[0000] functions.kubeless.io "${name}" not found`),
    });
  });

  test('deploy --schedule stores neither when the trigger is refused', async () => {
    expect(await deploy('--schedule @hourly')).toMatchObject({ code: 0 });
    expect(await run(`function delete ${name}`)).toMatchObject({ code: 0 });
    const refusal = `FATA[0000] Failed to deploy cron job trigger ${name}. Received: cronjobtriggers.kubeless.io "${name}" already exists`;
    expect(await deploy('--schedule @hourly')).toEqual({
      code: 1,
      stdout: '',
      stderr: said('INFO[0000] Deploying function...', refusal),
    });
    expect(await run(`function ls ${name}`)).toMatchObject({ code: 1 });
    expect((await deploy('--schedule @hourly --dry-run=server')).stderr).toBe(said(refusal));
  });

  test('a dry run prints the object and stores nothing', async () => {
    const { code: exit, stdout, stderr } = await deploy('--dry-run=server -o jsonpath={.metadata.name}');
    expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: name, stderr: '' });
    expect((await deploy('--dryrun -o xml')).stderr).toContain('Output format needs to be yaml, json, name');
    expect(await run(`function ls ${name}`)).toMatchObject({ code: 1 });
  });

  test.each([
    ['--port 99999', 'Invalid port number 99999 specified: allowed is 1 to 65535'],
    ['--port x', 'Invalid port number x specified: allowed is 1 to 65535'],
    ['--image-pull-policy Ever', 'image-pull-policy must be {IfNotPresent|Always|Never}, found "Ever"'],
    [
      '--memory 1KB',
      'Wrong format of the memory value: must be a number with a suffix, such as 128Mi, 1G or 500m, found "1KB"',
    ],
    ['--from-file /no/file', '--from-file must name a file that can be read, or a URL, found "/no/file" (ENOENT).'],
    [
      '--dependencies /no/file',
      '--dependencies must name a file that can be read, or a URL, found "/no/file" (ENOENT).',
    ],
    ['--schedule often', 'Invalid value for --schedule.'],
    [
      '--timeout abc',
      '--timeout must be a number of seconds, or a duration such as 500ms, 30s, 5m or 24h, found "abc".',
    ],
    ['--env =v', '--env must be name=value, found "=v".'],
    ['--label __proto__=x', '--label: the label key "__proto__" must be 1 to 63 letters'],
    ['-n Big', 'The namespace must be at most 63 lower-case letters'],
  ])('deploy %s is refused in one sentence, and nothing is stored', async (more, sentence) => {
    const { code: exit, stdout, stderr } = await deploy(more);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toContain(`FATA[0000] ${sentence}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(await run(`function ls ${name}`)).toMatchObject({ code: 1 });
  });

  test('list and describe have the columns and rows of Kubeless', async () => {
    const namespace = `list-${count}`;
    await createNamespace(world, namespace);
    const empty = await run(`function list -n ${namespace}`);
    expect(empty).toEqual({
      code: 0,
      stdout: 'NAME   NAMESPACE   HANDLER   RUNTIME   DEPENDENCIES   STATUS\n',
      stderr: said(`INFO[0000] No functions found in namespace ${namespace}.`),
    });
    // What an image brings is run by nobody here: its state is the same on both servers.
    const more = `function deploy ${name} -n ${namespace} --runtime-image img --memory 64Mi -e A=1 -l app=web`;
    expect(await run(more)).toMatchObject({ code: 0 });
    const status = isCluster ? 'MISSING: Check controller logs' : '0/1 NOT READY';
    const table = await eventually('its state is known', async () => {
      const { stdout } = await run(`function ls ${name} -n ${namespace} -o wide`);
      return stdout.includes(status) && stdout;
    });
    expect(table.split('\n')[0]?.split(/ +/)).toEqual(
      'NAME NAMESPACE HANDLER RUNTIME DEPENDENCIES STATUS MEMORY ENV LABEL'.split(' '),
    );
    expect(table.split('\n')[1]?.split(/ {3,}/)).toEqual([
      name,
      namespace,
      status,
      '64Mi',
      'A = 1',
      `app : web, created-by : kubeless, function : ${name}`,
    ]);
    const listed = JSON.parse((await run(`function ls -n ${namespace} -o json`)).stdout);
    expect(listed).toMatchObject([{ metadata: { name, namespace }, spec: { handler: '' } }]);
    expect((await run(`function ls -n ${namespace} --out name`)).stdout).toBe(`function.kubeless.io/${name}\n`);
    const rows = (await run(`function describe ${name} -n ${namespace}`)).stdout.split('\n');
    expect(rows.slice(0, 9)).toEqual([
      `Name:           ${name}`,
      `Namespace:      ${namespace}`,
      'Handler:',
      'Runtime:',
      `Label:          {"app":"web","created-by":"kubeless","function":"${name}"}`,
      'Envvar:         [{"name":"A","value":"1"}]',
      'Memory:         64Mi',
      'Dependencies:',
      `Status:         ${status}`,
    ]);
  });

  test('what is not there has a sentence', async () => {
    expect((await run(`function call ${name}`)).stderr).toBe(
      said(`FATA[0000] Unable to find the service for ${name}: services "${name}" not found`),
    );
    expect((await run(`function logs ${name}`)).stderr).toBe(
      said(
        `FATA[0000] No function pod is running: there is no pod with the label function=${name} in namespace default.`,
      ),
    );
    expect((await run(`function logs ${name} --tail x`)).stderr).toBe(
      said('FATA[0000] --tail must be a number of lines, found "x".'),
    );
    expect((await run(`function call ${name} --data a --data-from-file b`)).stderr).toContain('found both');
  });
});

test('a dry run of deploy needs no server', async () => {
  const args = ['function', 'deploy', 'hello', ...flags(), '--dryrun', '--gateway', 'http://127.0.0.1:1'];
  const { code: exit, stdout, stderr } = await commandLine([...args, '--env', '"A=1,2",B']);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(parse(stdout)).toMatchObject({
    metadata: { name: 'hello', labels: { 'created-by': 'kubeless', function: 'hello' } },
    spec: {
      function: CODE,
      deployment: {
        spec: { template: { spec: { containers: [{ env: [{ name: 'A', value: '1,2' }, { name: 'B' }] }] } } },
      },
      service: { selector: { 'created-by': 'kubeless', function: 'hello' } },
    },
  });
  expect(stdout).not.toMatch(/[&*]a\d/);
});

test.each([
  'autoscale list',
  'autoscale create hello --min 1 --max 3 --value 80',
  'trigger http create hello --function-name hello --hostname a.example',
  'trigger http list',
  'trigger kinesis publish --stream s --records a --records b',
])('%s is not in this release, and one sentence says so', async (line) => {
  const { code: exit, stdout, stderr } = await commandLine(words(line));
  expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
  expect(stderr).toMatch(/^FATA\[0000\] "(autoscale|trigger http|trigger kinesis)" is not in this release: .+\.\n$/);
});
