import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { servedTypes } from '../../../src/cli/served-types.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { Trigger } from '../../../src/domain/trigger.ts';
import { createCronJobKind, cronJobTriggerType } from '../../../triggers/cronjob/index.ts';
import { startCronController } from '../../support/cron-controller.ts';
import { eventually } from '../../support/eventually.ts';
import { startRecorder } from '../../support/recorder.ts';
import { startResourceApi } from '../../support/resource-api.ts';
import { tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';

const UNREACHABLE = { TRIGATE_GATEWAY: 'http://127.0.0.1:1' };

async function startApi(functions: Readonly<Record<string, string>> = { report: 'http://127.0.0.1:1' }) {
  const api = await startResourceApi(servedTypes([createCronJobKind({ alone: true })]));
  for (const [name, endpoint] of Object.entries(functions)) {
    const metadata = { name, namespace: 'default' };
    await api.resources.create(functionType, {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'Function',
      metadata,
      spec: { endpoint },
    });
  }
  const run = (...args: string[]) => commandLine(['trigger', 'cronjob', ...args, '--gateway', api.url]);
  const specOf = async (name: string) =>
    (await api.resources.get<KubernetesObject>(cronJobTriggerType, 'default', name)).spec;
  return { ...api, run, specOf };
}

describe('trigger cronjob create and update', () => {
  it("stores Kubeless' object and says so in its words", async () => {
    await using api = await startApi();
    const { code, stderr } = await api.run(
      'create',
      'n',
      '--function',
      'report',
      '--schedule',
      '@daily',
      '-p',
      '{"a":1}',
    );
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'INFO[0000] Cronjob trigger n created in namespace default successfully!\n',
    });
    const stored = await api.resources.get<KubernetesObject>(cronJobTriggerType, 'default', 'n');
    expect(stored.metadata.labels).toEqual({ 'created-by': 'kubeless' });
    expect(stored.spec).toEqual({ schedule: '@daily', 'function-name': 'report', payload: { a: 1 } });
  });

  it('keeps what update does not give', async () => {
    await using api = await startApi();
    await api.run('create', 'n', '--function', 'report', '--schedule', '@daily', '-p', '{"a":1}');
    await api.run('update', 'n', '--time-zone', 'Europe/Berlin', '--missed', 'one');
    const kept = { schedule: '@daily', payload: { a: 1 }, timeZone: 'Europe/Berlin', missed: 'one' };
    expect(await api.specOf('n')).toEqual({ ...kept, 'function-name': 'report' });
    await api.run('update', 'n', '--function-selector', 'app=x');
    expect(await api.specOf('n')).toEqual({ ...kept, functionSelector: { matchLabels: { app: 'x' } } });
  });

  it.each([
    ['p.json', '{"a":[1]}'],
    ['p.yaml', 'a: [1]\n'],
  ])('reads a payload from %s', async (file, text) => {
    await using api = await startApi();
    await using folder = await tempDir();
    const path = join(folder.path, file);
    await writeFile(path, text);
    await api.run('create', 'n', '--function', 'report', '--schedule', '@daily', '--payload-from-file', path);
    expect(await api.specOf('n')).toMatchObject({ payload: { a: [1] } });
  });

  it('prints the object with --dryrun, and asks nobody', async () => {
    const { stdout } = await commandLine(
      ['trigger', 'cronjob', 'create', 'n', '--function', 'f', '--schedule', '@daily', '--dryrun'],
      UNREACHABLE,
    );
    expect(stdout).toContain('  schedule: "@daily"\n  function-name: f\n');
  });

  const base = ['--function', 'report', '--schedule', '@daily'];
  it.each([
    [
      ['--function', 'report', '--schedule', '61 * * * *'],
      'Invalid value for --schedule. Field 1 (minute): must be 0 to 59, found "61".',
    ],
    [['--function', 'report', '--schedule', '0 0 30 2 *'], 'never fires: no month has such a day'],
    [[...base, '--time-zone', 'Mars'], '--time-zone: the time zone "Mars" is not known'],
    [[...base, '-p', '{a:1}'], "--payload is not JSON: Expected property name or '}' in JSON at position 1"],
    [[...base, '-p', '1', '-f', 'x.json'], "You can't provide both raw payload and a payload file"],
    [[...base, '--missed', 'never'], '--missed: must be one of skip, one, all, found "never"'],
    [[...base, '--function-selector', 'a=b'], '--function-selector: must not stand beside function-name'],
    [['--function', 'nobody', '--schedule', '@daily'], 'Unable to find Function nobody in namespace default. Error '],
    [
      ['--function', 'nobody', '--schedule', '@daily', '--dry-run=server'],
      'Unable to find Function nobody in namespace',
    ],
    [['--function', 'report'], 'required flag(s) "schedule" not set'],
  ])('refuses %j in a sentence', async (flags, sentence) => {
    await using api = await startApi();
    const { code, stderr } = await api.run('create', 'n', ...flags);
    expect(code).toBe(1);
    expect(stderr).toContain(sentence);
  });
});

describe('trigger cronjob', () => {
  it("lists with Kubeless' columns, and deletes", async () => {
    await using api = await startApi();
    await api.run('create', 'n', '--function', 'report', '--schedule', '@daily');
    await api.run('create', 's', '--function-selector', 'app=x', '--schedule', '@hourly');
    const { stdout } = await api.run('list');
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['NAME', 'NAMESPACE', 'SCHEDULE', 'FUNCTION NAME'],
      ['n', 'default', '@daily', 'report'],
      ['s', 'default', '@hourly', 'app=x'],
      [''],
    ]);
    const { stderr } = await api.run('delete', 'n');
    expect(stderr).toBe('INFO[0000] Cronjob trigger n deleted from namespace default successfully!\n');
  });

  it('asks for one of a trigger and a schedule', async () => {
    const { code, stdout, stderr } = await commandLine(['trigger', 'cronjob', 'next', 'c', '--schedule', '@daily']);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'FATA[0000] Give the name of a trigger or --schedule, found both.\n',
    });
  });

  it('says when a schedule, or a trigger, fires next', async () => {
    const { stdout } = await commandLine(
      ['trigger', 'cronjob', 'next', '--schedule', '30 2 * * *', '--time-zone', 'Europe/Berlin', '-n', '3'],
      UNREACHABLE,
    );
    const [heads, ...rows] = stdout.trimEnd().split('\n');
    expect(heads).toMatch(/^Europe\/Berlin +UTC +FROM NOW$/);
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ['Saturday, 3 January 2026 at 02:30:00 CET', '2026-01-03T01:30:00Z', 'in 22 h 25 min'],
      ['Sunday, 4 January 2026 at 02:30:00 CET', '2026-01-04T01:30:00Z', 'in 1 d 22 h'],
      ['Monday, 5 January 2026 at 02:30:00 CET', '2026-01-05T01:30:00Z', 'in 2 d 22 h'],
    ]);

    await using api = await startApi();
    await api.run('create', 'n', '--function', 'report', '--schedule', 'TZ=Asia/Tokyo 0 6 * * *');
    expect((await api.run('next', 'n', '-n', '2')).stdout).toMatch(/^Asia\/Tokyo .*\n.*06:00:00.*T21:00:00Z.*\n.*\n$/);
  });

  it('fires by hand, once', async () => {
    await using recorder = await startRecorder(['report']);
    await using api = await startApi({ report: recorder.url('report') });
    await api.run('create', 'n', '--function', 'report', '--schedule', '@yearly');
    expect((await api.run('fire', 'n')).stderr).toContain('runs nowhere');
    const controller = await startCronController(api, systemClock, true);
    await eventually('the trigger runs', async () => {
      const { status } = await api.resources.get<Trigger>(cronJobTriggerType, 'default', 'n');
      return status?.claims?.report !== undefined && status.functions?.includes('report');
    });
    const { stderr } = await commandLine(
      ['trigger', 'cronjob', 'fire', 'n', '--gateway', api.url],
      {},
      { clock: systemClock },
    );
    const [, id] = /fires now for report: event (\S{15})\n/.exec(stderr) ?? [];
    await recorder.waitFor('it fires', ({ records }) => records.length > 0);
    expect(recorder.records[0]).toMatchObject({ eventId: id, method: 'GET', headers: { 'event-by-hand': 'true' } });
    await controller.close();
    expect(recorder.records).toHaveLength(1);
  });
});
