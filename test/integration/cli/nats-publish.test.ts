import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { expect, it } from 'vitest';
import { startNats } from '../../services/nats.ts';
import { sharedNats } from '../../services/shared.ts';
import { startGateway } from '../../support/gateway.ts';
import { commandLine } from './command-line.ts';

const publish = ['trigger', 'nats', 'publish', '--message', 'hello', '--topic'];

it('publishes straight to a NATS server', async () => {
  const url = await sharedNats();
  const subject = `cli.${randomUUID().slice(0, 8)}`;
  const connection = await connect({ servers: url });
  try {
    const received = connection.subscribe(subject, { max: 1 });
    await connection.flush();
    const result = await commandLine([...publish, subject, '--url', url]);
    expect(result).toEqual({ code: 0, stdout: '', stderr: `INFO[0000] Published [${subject}] : 'hello'\n` });
    for await (const message of received) expect(message.string()).toBe('hello');
  } finally {
    await connection.close();
  }
});

it('says which server it cannot reach, without the password', async () => {
  const { code, stderr } = await commandLine([...publish, 'a', '--url', 'nats://u:hunter2@127.0.0.1:1']);
  expect(stderr).toMatch(/^FATA\[0000\] Failed to publish message to topic: 127\.0\.0\.1:1: /);
  expect(stderr).not.toContain('hunter2');
  expect(code).toBe(1);
});

it('says how much the server takes when a message is larger', async () => {
  const args = ['trigger', 'nats', 'publish', '--topic', 'a', '--url', await sharedNats()];
  const { code, stderr } = await commandLine([...args, '--message', 'x'.repeat(2 ** 20 + 1)]);
  expect(stderr).toMatch(/the event has 1048577 bytes, and the NATS server takes at most 1048576 \(max_payload\)/);
  expect(code).toBe(1);
});

it('waits with --jetstream until a stream has it, straight and through the gateway', async () => {
  const nats = await startNats({ jetstream: true });
  const connection = await connect({ servers: nats.url });
  try {
    await (await connection.jetstreamManager()).streams.add({ name: 'ORDERS', subjects: ['orders.*'] });
    const straight = await commandLine([...publish, 'orders.eu', '--jetstream', '--url', nats.url]);
    expect(straight.stderr).toBe("INFO[0000] Published [orders.eu] : 'hello' in stream ORDERS, sequence 1\n");
    const nowhere = await commandLine([...publish, 'other', '--jetstream', '--url', nats.url]);
    expect(nowhere).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no stream of NATS has the subject other'),
    });

    await using gateway = await startGateway({ env: { NATS_URL: nats.url } });
    const env = { TRIGATE_GATEWAY: gateway.url };
    const through = await commandLine([...publish, 'orders.us', '--jetstream'], env);
    expect(through.stderr).toBe("INFO[0000] Published [orders.us] : 'hello' in stream ORDERS, sequence 2\n");
    const refused = await commandLine([...publish, 'other', '--jetstream'], env);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no stream of NATS has the subject other'),
    });
  } finally {
    await connection.close();
    await nats.stop();
  }
});
