import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { servedTypes } from '../../src/cli/served-types.ts';
import { functionType } from '../../src/domain/function.ts';
import type { KubernetesObject } from '../../src/domain/resource.ts';
import type { Resources } from '../../src/resources/resources.ts';
import { createCronJobKind, cronJobTriggerType } from '../../triggers/cronjob/index.ts';
import { type CronRecord, readRecord } from '../../triggers/cronjob/record.ts';
import { fastClock, startCronController } from '../support/cron-controller.ts';
import { type Running, startProcess } from '../support/process.ts';
import { chosenSeed, seededRandom } from '../support/random.ts';
import { startRecorder } from '../support/recorder.ts';
import { startResourceApi } from '../support/resource-api.ts';

const program = fileURLToPath(new URL('cron-process.ts', import.meta.url));

/** How much faster the clocks of the processes run. */
const FACTOR = 4;
const TRIGGERS = ['a', 'b', 'c'];
const FAULTS = 8;
/** Requests between two faults. */
const CALM = 15;

const trigger = (name: string) => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'CronJobTrigger',
  metadata: { name, namespace: 'default' },
  spec: { schedule: '@every 1s', 'function-name': 'f', payload: { trigger: name }, missed: 'all' },
});

async function recordOf(resources: Resources, name: string): Promise<CronRecord> {
  const object = await resources.get<KubernetesObject<unknown, { claims?: Record<string, unknown> }>>(
    cronJobTriggerType,
    'default',
    name,
  );
  const record = readRecord(object.status?.claims?.f, object.metadata.uid ?? '');
  if (record === undefined) throw new Error(`nothing is stored for ${name}`);
  return record;
}

test('three processes that are killed and frozen fire each tick at most once, and every tick is accounted for', async () => {
  const random = seededRandom(chosenSeed());
  await using api = await startResourceApi(servedTypes([createCronJobKind({ alone: false })]));
  await using recorder = await startRecorder(['f']);
  await api.resources.create(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { name: 'f', namespace: 'default' },
    spec: { endpoint: recorder.url('f') },
  });
  for (const name of TRIGGERS) await api.resources.create(cronJobTriggerType, trigger(name));
  const since = Date.now();
  const start = async (): Promise<Running> => {
    const started = await startProcess(process.execPath, [program, api.url, `${since}`, `${FACTOR}`], {
      name: 'cron',
    });
    await started.line(/^running/, 20_000);
    return started;
  };
  const processes = await Promise.all([start(), start(), start()]);

  const calm = () => {
    const wanted = recorder.records.length + CALM;
    return recorder.waitFor(`request ${wanted} comes`, () => recorder.records.length >= wanted, 60_000);
  };
  await calm();
  const opened = new Map(
    await Promise.all(TRIGGERS.map(async (name) => [name, await recordOf(api.resources, name)] as const)),
  );
  for (let fault = 0; fault < FAULTS; fault++) {
    const victim = random(0, processes.length - 1);
    const running = processes[victim] as Running;
    if (random(0, 1) === 0) {
      running.kill('SIGSTOP');
      await calm();
      running.kill('SIGCONT');
    } else {
      await running.stop('SIGKILL', 1_000);
      processes[victim] = await start();
    }
    await calm();
  }
  for (const running of processes) await running.stop('SIGTERM', 20_000);

  // Whoever comes next finds what the killed ones left.
  const last = await startCronController(api.url, fastClock(since, FACTOR), true);
  await calm();
  const report = last.delivery.report();
  await last.close();

  const ids = recorder.records.map(({ eventId }) => eventId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(report.triggers.flatMap(({ functions }) => functions)).toHaveLength(TRIGGERS.length);
  for (const name of TRIGGERS) {
    const { counts, open, decidedThrough } = await recordOf(api.resources, name);
    const { counts: before, open: openBefore, decidedThrough: from } = opened.get(name) ?? expect.fail();
    const read = (counts.f?.read ?? 0) + open.length - (before.f?.read ?? 0) - openBefore.length;
    expect(read, `ticks of ${name} that are accounted for`).toBe((decidedThrough - from) / 1_000);
    expect(counts.f?.delivered).toBeLessThanOrEqual(
      recorder.records.filter(({ body }) => body?.includes(`"${name}"`)).length,
    );
    expect(open).toEqual([]);
  }
});
