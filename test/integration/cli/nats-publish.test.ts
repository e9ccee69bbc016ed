import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { expect, it } from 'vitest';
import { sharedNats } from '../../services/shared.ts';
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
