import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { connect } from 'nats';
import { expect, test } from 'vitest';
import { sharedKafka, sharedNats } from '../../services/shared.ts';
import { command, commandOf } from '../../support/command.ts';
import { eventually } from '../../support/eventually.ts';
import { cleanEnvironment } from '../../support/gateway.ts';
import { freePort } from '../../support/port.ts';
import { startProcess } from '../../support/process.ts';

const BINARY = join(import.meta.dirname, '../../../bin/trigate.js');

test('a gateway beside controllers publishes to the brokers, and ends at SIGTERM', async () => {
  const nats = await sharedNats();
  const port = await freePort();
  const env = { ...cleanEnvironment(), KAFKA_BROKERS: (await sharedKafka()).join(','), NATS_URL: nats };
  const child = await startProcess(process.execPath, [BINARY, 'gateway', '--port', `${port}`], {
    name: 'gateway',
    env,
  });
  const gateway = { url: `http://127.0.0.1:${port}` };
  try {
    await eventually('it is ready', async () => (await fetch(`${gateway.url}/readyz`)).ok);
    const topic = `gateway-${randomUUID().slice(0, 8)}`;
    expect(await commandOf(gateway, ['topic', 'create', topic, '--partitions', '2'])).toMatchObject({ code: 0 });
    expect(await commandOf(gateway, ['topic', 'publish', '--topic', topic, '--data', '{}'])).toMatchObject({ code: 0 });
    expect((await commandOf(gateway, ['topic', 'list'])).stdout).toContain(topic);
    await commandOf(gateway, ['topic', 'delete', topic]);

    const client = await connect({ servers: nats });
    const messages = client.subscribe(topic, { max: 1 });
    await client.flush();
    await fetch(`${gateway.url}/v1/topics/${topic}?broker=nats`, { method: 'POST', body: 'hello' });
    for await (const message of messages) expect(message.string()).toBe('hello');
    await client.close();
  } finally {
    expect(await child.stop('SIGTERM', 10_000)).toEqual({ code: 0, signal: null });
  }
});

test('a gateway that is told to stop takes what comes until everybody knows, and keeps no connection', async () => {
  const port = await freePort();
  const env = { ...cleanEnvironment(), NATS_URL: await sharedNats(), TRIGATE_SHUTDOWN_DELAY: '5s' };
  const child = await startProcess(process.execPath, [BINARY, 'gateway', '--port', `${port}`], {
    name: 'gateway',
    env,
  });
  const url = `http://127.0.0.1:${port}`;
  const publish = () => fetch(`${url}/v1/topics/stopping`, { method: 'POST', body: '{}' });
  await eventually('it is ready', async () => (await fetch(`${url}/readyz`)).ok);
  expect((await publish()).headers.get('connection')).toBe('keep-alive');
  const stopped = child.stop('SIGTERM', 20_000);
  await eventually('it is not ready', async () => (await fetch(`${url}/readyz`)).status === 503);
  const answer = await publish();
  expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
  expect(await stopped).toEqual({ code: 0, signal: null });
  await expect(publish()).rejects.toThrow();
});

test('a gateway without a broker is a sentence', async () => {
  const { code, stderr } = await command(['gateway']);
  expect(stderr).toContain('KAFKA_BROKERS or NATS_URL must be set');
  expect(code).toBe(1);
});
