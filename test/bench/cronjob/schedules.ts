import { functionType } from '../../../src/domain/function.ts';
import type { Trigger } from '../../../src/domain/trigger.ts';
import { createResources } from '../../../src/resources/client.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/gateway.ts';
import { startRecorder } from '../../support/recorder.ts';
import { usageOf } from '../measure.ts';

const MEASURED_MS = 60_000;

/** A standalone gateway with many schedules: what it costs while none is due, and how late ticks are called. */
export async function cronSchedules(count: number): Promise<void> {
  console.log(`cronjob: ${count} schedules on the embedded API`);
  await run('none is due', count, () => '@yearly');
  await run('each once a minute, spread', count, (i) => `${i % 60} * * * * *`);
}

async function run(what: string, count: number, scheduleOf: (i: number) => string): Promise<void> {
  await using recorder = await startRecorder(['f']);
  await using gateway = await startGateway();
  const resources = createResources({ url: gateway.url });
  const metadata = (name: string) => ({ name, namespace: 'default' });
  await resources.create(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: metadata('f'),
    spec: { endpoint: recorder.url('f') },
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
  const [before, first] = [usageOf(gateway.pid).cpu, recorder.records.length];
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
  const percent = (usageOf(gateway.pid).cpu - before) / (MEASURED_MS * 10);
  const late = recorder.records
    .slice(first)
    .map(({ time, headers }) => time - Date.parse(String(headers['event-scheduled-time'])))
    .sort((a, b) => a - b);
  const at = (part: number) => late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? 0;
  const lateness = late.length === 0 ? '' : `, ms late: p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`;
  console.log(`  ${what}: ${percent.toFixed(1)} % of a core, ${late.length} calls${lateness}`);
  await resources.close();
}
