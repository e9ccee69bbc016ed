import { randomUUID } from 'node:crypto';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/domain/clock.ts';
import { createNatsKind, type NatsKind } from '../../../triggers/nats/index.ts';
import { sharedNats } from '../../services/shared.ts';

let kind: NatsKind;
let client: NatsConnection;

beforeAll(async () => {
  const url = await sharedNats();
  kind = createNatsKind({ servers: url }, systemClock);
  client = await connect({ servers: url });
});
afterAll(async () => {
  await client.close();
  await kind.close();
});

const message = (text: string) => ({ data: new TextEncoder().encode(text), headers: { 'content-type': 'text/plain' } });
const newSubject = () => `publish.${randomUUID().slice(0, 8)}`;

test('core NATS: whoever listens gets it, with its headers', async () => {
  const subject = newSubject();
  const subscription = client.subscribe(subject, { max: 1 });
  await client.flush();
  expect(await kind.topics.publish(subject, message('hello'))).toEqual({ topic: subject });
  for await (const got of subscription)
    expect([got.string(), got.headers?.get('content-type')]).toEqual(['hello', 'text/plain']);
});

test('JetStream: resolves when the stream has it, and says where', async () => {
  const subject = newSubject();
  const stream = subject.replace('.', '-');
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: stream, subjects: [subject] });
  try {
    expect(await kind.streams.publish(subject, message('hello'))).toEqual({ topic: subject, stream, offset: '1' });
    expect((await manager.streams.getMessage(stream, { seq: 1 })).string()).toBe('hello');
    expect(await kind.streams.list()).toContain(subject);
  } finally {
    await manager.streams.delete(stream);
  }
});

test('JetStream: a subject that no stream has', async () => {
  await expect(kind.streams.publish('nobody.keeps.this', message('x'))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'no stream of NATS has the subject nobody.keeps.this',
  });
});

test.each(['topics', 'streams'] as const)('%s: more than the server takes, and what is no subject', async (topics) => {
  const large = { data: new Uint8Array(2 ** 20 + 1), headers: {} };
  await expect(kind[topics].publish('a', large)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: 'the event has 1048577 bytes, and the NATS server takes at most 1048576 (max_payload)',
  });
  await expect(kind[topics].publish('a.*', message('x'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
