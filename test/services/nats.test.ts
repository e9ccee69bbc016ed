import { connect } from 'nats';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startNats } from './nats.ts';
import { sharedNats } from './shared.ts';

test('a message goes through the shared NATS server', async () => {
  const client = await connect({ servers: await sharedNats() });
  const subscription = client.subscribe('test.services.smoke', { max: 1 });
  await client.flush();
  client.publish('test.services.smoke', 'hello');
  for await (const message of subscription) expect(message.string()).toBe('hello');
  await client.close();
});

test('JetStream keeps its messages over a kill and a restart on the same port', async () => {
  const server = await startNats({ jetstream: true });
  const client = await connect({ servers: server.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  try {
    await (await client.jetstreamManager()).streams.add({ name: 'kept', subjects: ['kept.>'] });
    await client.jetstream().publish('kept.one', 'hello');
    const impatient = await client.jetstreamManager({ timeout: 500, checkAPI: false });
    await server.kill('SIGKILL');
    await server.restart();
    const info = await eventually('the stream is back', () => impatient.streams.info('kept'));
    expect(info.state.messages).toBe(1);
  } finally {
    await client.close();
    await server.stop();
  }
});

test('a server that cannot start rejects with what it said', async () => {
  await expect(startNats({ args: ['--no-such-flag'] })).rejects.toThrow(/no-such-flag/);
});
