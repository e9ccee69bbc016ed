import { expect, onTestFinished, test } from 'vitest';
import { commandOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { startRecorder } from '../support/recorder.ts';

test('what a function says that rejects an event is shown where its trigger asks for it, and nowhere else', async () => {
  const apiVersion = 'kubeless.io/v1beta1';
  await using recorder = await startRecorder(['bill']);
  recorder.behave('bill', { type: 'answer', status: 422, body: `no customer 17\n${'€'.repeat(1_000)}` });
  const trigger = (name: string, delivery: object) => ({
    apiVersion,
    kind: 'KafkaTrigger',
    metadata: { name },
    spec: { topic: 'orders', functionSelector: { matchLabels: { app: 'bill' } }, delivery },
  });
  const gateway = await startGateway({
    manifests: [
      {
        apiVersion,
        kind: 'Function',
        metadata: { name: 'bill', labels: { app: 'bill' } },
        spec: { endpoint: recorder.url('bill') },
      },
      trigger('asks', { keepAnswers: true }),
      trigger('does-not', {}),
    ],
  });
  onTestFinished(() => gateway.stop());
  await fetch(`${gateway.url}/v1/topics/orders`, { method: 'POST', body: '{}' });
  await eventually('both are rejected', async () => {
    const { code, stdout } = await commandOf(gateway, ['events', '-o', 'json', '--outcome', 'rejected']);
    return code === 0 && stdout.trim().split('\n').length === 2;
  });

  const { stdout } = await commandOf(gateway, ['events', '-o', 'json']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const said = Object.fromEntries(rows.map(({ trigger: name, functions }) => [name, functions[0]]));
  // 1,024 bytes, and no half of a character.
  const kept = `no customer 17\n${'€'.repeat(336)}`;
  expect(said.asks).toMatchObject({ outcome: 'rejected', status: 422, answer: kept });
  expect(said['does-not']).toMatchObject({ outcome: 'rejected', status: 422 });
  expect(said['does-not']).not.toHaveProperty('answer');

  const explained = await commandOf(gateway, ['explain', rows[0].id]);
  expect(explained.stdout).toMatch(/kafka\/default\/asks .* rejected 422: no customer 17\n/);
  expect(explained.stdout).toMatch(/kafka\/default\/does-not .* rejected 422\n/);
});
