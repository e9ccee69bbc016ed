import { expect, test } from 'vitest';
import { checkLedger } from '../support/checker.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { functionAt } from '../support/manifests.ts';
import { startRecorder } from '../support/recorder.ts';

const trigger = {
  apiVersion: 'kubeless.io/v1beta1',
  kind: 'CronJobTrigger',
  metadata: { name: 'tick' },
  spec: { schedule: '* * * * * *', 'function-name': 'f', payload: { hello: 'cron' } },
};

test('a gateway that is killed goes on behind its claims, with its counts, and fires no tick twice', async () => {
  await using recorder = await startRecorder(['f']);
  await using gateway = await startGateway({ manifests: [functionAt('f', recorder.url('f'), {}), trigger] });
  const row = async () => {
    const report = await gateway.ledger();
    expect(checkLedger(report)).toEqual([]);
    return report.triggers.find(({ kind }) => kind === 'cronjob')?.functions[0];
  };
  await recorder.waitFor('two ticks', ({ records }) => records.length >= 2);
  expect(recorder.records[0]).toMatchObject({
    method: 'POST',
    body: '{"hello":"cron"}',
    headers: {
      'content-type': 'application/json',
      'event-type': 'application/json',
      'event-namespace': 'cronjobtrigger.kubeless.io',
      'event-time': expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$/),
    },
  });

  recorder.behave('f', { type: 'hang' });
  const before = recorder.records.length;
  await recorder.waitFor('a tick that hangs', ({ records }) => records.length > before);
  await gateway.kill('SIGKILL');
  recorder.behave('f', { type: 'answer', status: 200 });
  await gateway.restart();
  const again = recorder.records.length;
  await recorder.waitFor('ticks after the restart', ({ records }) => records.length > again + 1);

  const ids = recorder.records.map(({ eventId }) => eventId);
  expect(new Set(ids).size).toBe(ids.length);
  await eventually('the ledger has what was before the kill, and what hung then', async () => {
    const { delivered = 0, unknown = {} } = (await row()) ?? {};
    return delivered >= 4 && (unknown.crash ?? 0) >= 1;
  });
});
