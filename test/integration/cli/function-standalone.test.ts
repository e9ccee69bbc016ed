import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { functionType } from '../../../src/domain/function.ts';
import { eventually } from '../../support/eventually.ts';
import { startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { CODE, createFunction, said, words } from './function-parts.ts';
import { type World, worlds } from './worlds.ts';

let folder: TempDir;
let code: string;
beforeAll(async () => {
  folder = await tempDir('function');
  code = join(folder.path, 'hello.js');
  await writeFile(code, CODE);
});
afterAll(() => folder?.remove());

const flags = () => words(`--runtime nodejs14 --handler hello.main --from-file ${code}`);

let count = 0;
let name: string;
beforeEach(() => {
  name = `f${++count}`;
});

describe('a function on a standalone gateway', () => {
  let world: World;
  beforeAll(async () => {
    world = await worlds[0].open();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const run = (line: string) => world.run(words(line));

  async function deployed(more: readonly string[] = []): Promise<void> {
    expect(await world.run(['function', 'deploy', name, ...flags(), ...more])).toMatchObject({ code: 0 });
    const isReady = async () => (await run(`function ls ${name}`)).stdout.includes('1/1 READY');
    await eventually('it answers', isReady, { within: 30_000 });
  }

  test('is called with the headers of Kubeless: without data a GET, else a POST', async () => {
    await deployed();
    const call = async (...args: string[]) => {
      const { code: exit, stdout, stderr } = await world.run(['function', 'call', name, ...args]);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      return JSON.parse(stdout);
    };
    const common = { namespace: 'cli.kubeless.io', idLength: 15 };
    expect(await call()).toEqual({ ...common, data: {} });
    const json = { type: 'application/json', eventType: 'application/json' };
    expect(await call('--data', '{"order":1}')).toEqual({ ...common, ...json, data: { order: 1 } });
    const form = { type: 'application/x-www-form-urlencoded', eventType: 'application/x-www-form-urlencoded' };
    expect(await call('-d', '[1]', '--header', 'Extra=x=y')).toEqual({ ...common, ...form, data: '[1]', extra: 'x=y' });
    expect(await call('-d', '{}', '--header', 'Content-Type=text/plain')).toMatchObject({
      type: 'text/plain',
      data: '{}',
    });
    const file = join(folder.path, 'data.json');
    await writeFile(file, '{"from":"file"}');
    expect(await call('--data-from-file', file)).toMatchObject({ ...json, data: { from: 'file' } });
  });

  test('that fails or takes too long makes the call fail', async () => {
    await deployed(['--timeout', '1']);
    expect(await world.run(['function', 'call', name, '-d', '{"fail":true}'])).toEqual({
      code: 1,
      stdout: '',
      stderr: said(`FATA[0000] Function ${name} answered 500: Internal Server Error`),
    });
    expect(await world.run(['function', 'call', name, '-d', '{"wait":true}'])).toEqual({
      code: 1,
      stdout: '',
      stderr: said('FATA[0000] Request timeout exceeded'),
    });
  });

  test('has logs, which follow it over an update, and counts', async () => {
    await deployed();
    await run(`function call ${name}`);
    await world.run(['function', 'call', name, '-d', '{}']);
    expect(await run(`function logs ${name}`)).toEqual({
      code: 0,
      stdout: 'called by GET\ncalled by POST\n',
      stderr: '',
    });
    expect((await run(`function logs ${name} --tail 1`)).stdout).toBe('called by POST\n');
    const { stdout } = await run(`function top -f ${name}`);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ +/));
    expect(rows).toEqual([
      'NAME NAMESPACE METHOD TOTAL_CALLS TOTAL_FAILURES TOTAL_DURATION_SECONDS AVG_DURATION_SECONDS MESSAGE'.split(' '),
      [name, 'default', 'GET', '1', '0', expect.stringMatching(/^\d/), expect.stringMatching(/^\d/)],
      [name, 'default', 'POST', '1', '0', expect.stringMatching(/^\d/), expect.stringMatching(/^\d/)],
    ]);

    const stop = new AbortController();
    let followed = '';
    const following = world.run(words(`function logs ${name} -f`), {
      signal: stop.signal,
      stdout: { write: (chunk) => (followed += Buffer.from(chunk).toString()) },
    });
    await eventually('it follows', () => followed.includes('POST'));
    expect(await run(`function update ${name} --env A=1`)).toMatchObject({ code: 0 });
    await eventually('the new process prints', async () => {
      await run(`function call ${name}`);
      return followed.split('GET').length > 2;
    });
    stop.abort();
    expect(await following).toMatchObject({ code: 0, stderr: '' });
  });

  test('of a runtime that is not run here is refused, also where Kubeless is not installed, and nothing is stored', async () => {
    const without = (line: string) => world.run(words(line), {}, { KUBELESS_CONFIG: 'not-there' });
    const refusal = 'FATA[0000] Invalid runtime: ruby2.5. Supported runtimes are: nodejs, python';
    const refused = { code: 1, stdout: '', stderr: said(refusal) };
    expect(await without(`function deploy ${name} --runtime ruby2.5 --handler hello.main --from-file ${code}`)).toEqual(
      refused,
    );
    expect(await without(`function ls ${name}`)).toMatchObject({ code: 1 });
    await deployed();
    expect(await without(`function update ${name} --runtime ruby2.5`)).toEqual(refused);
    expect(await without(`function update ${name} --runtime nodejs22`)).toMatchObject({ code: 0 });
    expect((await without('get-server-config')).stderr).toContain('Supported Runtimes are: nodejs, python');
  });

  test('of a runtime that is not run here, from a manifest, is stored, not ready, and says why', async () => {
    const object = JSON.parse(
      (await world.run(['function', 'deploy', name, ...flags(), '--dryrun', '-o', 'json'])).stdout,
    );
    await world.resources.create(functionType, { ...object, spec: { ...object.spec, runtime: 'ruby2.5' } });
    await eventually('it is known', async () => (await run(`function ls ${name}`)).stdout.includes('0/1 NOT READY'));
    expect((await run(`function describe ${name}`)).stdout).toContain(
      'spec.runtime is "ruby2.5"; the local runner runs',
    );
    expect(await run(`function call ${name}`)).toMatchObject({
      code: 1,
      stderr: said(
        `FATA[0000] Function ${name} does not answer (no endpoints available for service "${name}"): "trigate function describe ${name}" says more.`,
      ),
    });
    expect((await run(`function top -f ${name}`)).stdout).toMatch(/ Function does not expose metrics\n$/);
  });

  test('with an endpoint is called where it lives', async () => {
    await using recorder = await startRecorder(['far']);
    await createFunction(world, name, { endpoint: `${recorder.url('far')}/base` });
    await run(`function call ${name} -d {}`);
    expect(recorder.records).toMatchObject([{ method: 'POST', path: '/base', body: '{}' }]);
    expect((await run(`function ls ${name}`)).stdout).toMatch(/ EXTERNAL\n$/);
    expect(await run(`function logs ${name}`)).toMatchObject({ code: 1 });
  });
});
