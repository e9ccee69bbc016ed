import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { functionType } from '../../../src/domain/function.ts';
import type { Trigger } from '../../../src/domain/trigger.ts';
import { createResources } from '../../../src/resources/client.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/gateway.ts';
import { startFunction, usageOf } from '../measure.ts';

/** Claims are made up to ten seconds ahead: what was claimed in time is looked at. */
const WARM_UP_MS = 10_000;
const MEASURED_MS = 60_000;
/** Calm: below this part of a core, in this time. */
const CALM = 0.2;
const LOOK_MS = 3_000;
const MOST_CALMING_MS = 60_000;

const reported = z.array(z.object({ due: z.number(), fired: z.number(), came: z.number() }));

/** A standalone gateway with many schedules: what it costs while none is due, and how late ticks are called. */
export async function cronSchedules(count: number): Promise<void> {
  console.log(`cronjob: ${count} schedules on the embedded API`);
  await run('none is due', count, () => '@yearly');
  await run('each once a minute, spread', count, (i) => `${i % 60} * * * * *`);
  await run('each once a minute, all in one second', count, () => '30 * * * * *');
}

async function run(what: string, count: number, scheduleOf: (i: number) => string): Promise<void> {
  const called = await startFunction('schedule');
  await using gateway = await startGateway();
  const resources = createResources({ url: gateway.url });
  try {
    await create(resources, called.url, count, scheduleOf);
    await calm(gateway.pid);
    const from = Date.now() + WARM_UP_MS;
    await pause(WARM_UP_MS);
    const before = usageOf(gateway.pid).cpu;
    await pause(MEASURED_MS);
    const percent = (usageOf(gateway.pid).cpu - before) / (MEASURED_MS * 10);
    await pause(WARM_UP_MS);
    const ticks = reported
      .parse(JSON.parse((await called.received(0))[0] ?? '[]'))
      .filter(({ due }) => due >= from && due < from + MEASURED_MS);
    console.log(`  ${what}: ${percent.toFixed(1)} % of a core, ${ticks.length} calls`);
    if (ticks.length === 0) return;
    console.log(`    fired:    ${quantiles(ticks.map(({ fired }) => fired))}`);
    console.log(`    received: ${quantiles(ticks.map(({ came }) => came))}`);
  } finally {
    await resources.close();
    called.stop();
  }
}

async function create(resources: Resources, url: string, count: number, scheduleOf: (i: number) => string) {
  const metadata = (name: string) => ({ name, namespace: 'default' });
  await resources.create(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: metadata('f'),
    spec: { endpoint: url },
  });
  for (let i = 0; i < count; i++) {
    await resources.create(cronJobTriggerType, {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'CronJobTrigger',
      metadata: metadata(`t${i}`),
      spec: { schedule: scheduleOf(i), 'function-name': 'f' },
    });
  }
  const isRunning = async () => {
    const { items } = await resources.list<Trigger>(cronJobTriggerType);
    return items.every(({ status }) => status?.claims !== undefined && status.conditions !== undefined);
  };
  await eventually('all triggers run', isRunning, { within: 300_000, every: 1_000 });
}

/** What starting cost is over, or a minute. */
async function calm(pid: number): Promise<void> {
  for (let waited = 0; waited < MOST_CALMING_MS; waited += LOOK_MS) {
    const before = usageOf(pid).cpu;
    await pause(LOOK_MS);
    if (usageOf(pid).cpu - before < CALM * LOOK_MS * 1_000) return;
  }
}

function quantiles(late: readonly number[]): string {
  const sorted = Float64Array.from(late).sort();
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return `ms late: p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`;
}
