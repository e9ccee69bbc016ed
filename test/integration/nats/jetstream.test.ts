import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TriggerKind } from '../../../src/domain/kind.ts';
import { connectionTo, streamBroker, withJetStream } from '../../../triggers/nats/harness.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { Broker } from '../../conformance/harness.ts';
import { Rig } from '../../conformance/rig.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { consumerOf, failed, noneIsPending, streamOf } from './consumers.ts';

let nats: Nats;
let broker: Broker;
let client: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  nats = await startNats({ jetstream: true });
  broker = await streamBroker(nats.url);
  client = await connect({ servers: nats.url, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  manager = await client.jetstreamManager();
});
afterAll(async () => {
  await client.close();
  await broker.stop();
  await nats.stop();
});

test('the server stops and comes back: reading goes on, and nothing comes twice', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const reading = await rig.member().open(topic);
  await topic.publish(numbered(50));
  await hasAll(rig.recorder, 50);
  await nats.restart();
  await eventually('it says so', () => reading.statuses.at(-1)?.type === 'connected' && reading.statuses.length > 1);
  expect(reading.statuses.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected']);
  await topic.publish(numbered(50, 50));
  await hasAll(rig.recorder, 100);
  expectEachOnce(rig.recorder, ['f'], 100);
  expect(reading.failures).toEqual([]);
});

test('a consumer that somebody deletes is made anew, behind what was delivered', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const reading = await member.open(topic);
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  await manager.consumers.delete(streamOf(topic), await consumerOf(manager, topic));
  await topic.publish(numbered(20, 20));
  expect(await failed(reading)).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('was deleted') });
  await reading.close();
  await member.open(topic);
  await hasAll(rig.recorder, 40);
  expectEachOnce(rig.recorder, ['f'], 40);
  await rig.until('all are counted', () => member.row().delivered === 40);
  expect(member.row()).toMatchObject({ read: 40, claimed: 40 });
});

test('deleted while its reader died, it goes on with new events only, and what lies between is a gap', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const dying = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  await dying.open(topic);
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  proxy.cut();
  await dying.abandon();
  await manager.consumers.delete(streamOf(topic), await consumerOf(manager, topic));
  await topic.publish(numbered(20, 20));
  const next = rig.member();
  await next.open(topic);
  await topic.publish(numbered(20, 40));
  await hasAll(rig.recorder, 40);
  expect(rig.recorder.records.map(({ body }) => body)).not.toContain(numbered(1, 20)[0]?.data);
  expect(next.gaps()).toMatchObject([{ cause: expect.stringContaining('was deleted with its position') }]);
});

test('a stream that was deleted and made anew is read from its beginning', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const reading = await member.open(topic);
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  const { config } = await manager.streams.info(streamOf(topic));
  await manager.streams.delete(streamOf(topic));
  await failed(reading);
  await reading.close();
  await expect(member.open(topic)).rejects.toThrow(/no stream of NATS has the subject .* connects when there is one/);
  await manager.streams.add(config);
  await topic.publish(numbered(20, 20));
  await member.open(topic);
  await hasAll(rig.recorder, 40);
  expectEachOnce(rig.recorder, ['f'], 40);
});

test('a purge takes what was not delivered, and reading goes on', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const paused = await member.open(topic, { paused: true });
  await topic.publish(numbered(20));
  await manager.streams.purge(streamOf(topic));
  await paused.close();
  await member.open(topic);
  await topic.publish(numbered(20, 20));
  await hasAll(rig.recorder, 20);
  expect(rig.recorder.records.map(({ body }) => body).sort()).toEqual(numbered(20, 20).map(({ data }) => data));
});

test('an edited consumer delivers again: refused, and counted', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  rig.recorder.behave('f', { type: 'hang' });
  await member.open(topic, { delivery: { timeout: '5s' } });
  await topic.publish(numbered(3));
  await hasAll(rig.recorder, 3);
  const edited = { max_deliver: 5, ack_wait: 500_000_000 };
  await manager.consumers.update(streamOf(topic), await consumerOf(manager, topic), edited);
  await rig.until('they are refused', () => member.row().droppedBeforeClaim.claim_lost === 3);
  await rig.until('the calls end', () => member.row().unknown.timeout === 3);
  expect(rig.recorder.records.length).toBe(3);
  expect(member.row()).toMatchObject({ read: 6, claimed: 3 });
});

test('opening puts the settings of a consumer right again', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const reading = await rig.member().open(topic);
  await manager.consumers.update(streamOf(topic), await consumerOf(manager, topic), {
    max_deliver: 5,
    max_ack_pending: 7,
  });
  await reading.close();
  await rig.member().open(topic, { delivery: { ttl: '10s', timeout: '20s', room: 100, concurrency: 10 } });
  const { config } = await manager.consumers.info(streamOf(topic), await consumerOf(manager, topic));
  expect(config).toMatchObject({ max_deliver: 1, max_ack_pending: 440, ack_wait: 60_000_000_000 });
});

test('what somebody else pulls from the consumer and throws away is counted as claim_lost', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const paused = await member.open(topic, { paused: true });
  await topic.publish(numbered(20));
  const consumer = await client.jetstream().consumers.get(streamOf(topic), await consumerOf(manager, topic));
  for await (const _ of await consumer.fetch({ max_messages: 5 }));
  await paused.close();
  await member.open(topic);
  await hasAll(rig.recorder, 15);
  await rig.until('all are counted', () => member.row().delivered === 15);
  expect(member.row()).toMatchObject({ read: 20, claimed: 20, dropped: { claim_lost: 5 } });
});

test('acknowledgements that are lost with the connection are sent again over the next one', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const member = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const reading = await member.open(topic);
  let isLost = false;
  proxy.watch((piece, direction) => {
    isLost ||= direction === 'up' && piece.includes('+ACK');
    return isLost && direction === 'up' ? 'swallow' : 'pass';
  });
  await topic.publish(numbered(5));
  await rig.until('one is acknowledged in vain', () => isLost);
  proxy.watch();
  proxy.cut();
  await eventually('it is cut', () => reading.statuses.at(-1)?.type === 'disconnected');
  const { num_ack_pending } = await manager.consumers.info(streamOf(topic), await consumerOf(manager, topic));
  expect(num_ack_pending).toBeGreaterThan(0);
  proxy.heal();
  await rig.until('all are delivered', () => member.row().delivered === 5);
  await noneIsPending(manager, topic);
  expectEachOnce(rig.recorder, ['f'], 5);
});

test('the stream of the records is deleted: reading goes on, and the counts are stored anew', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const reading = await member.open(topic);
  await topic.publish(numbered(20));
  await rig.until('all are delivered', () => member.row().delivered === 20);
  await manager.streams.delete('TRIGATE_LEDGER');
  await topic.publish(numbered(20, 20));
  await rig.until('all are delivered', () => member.row().delivered === 40);
  await noneIsPending(manager, topic);
  await reading.close();
  const next = rig.member();
  await next.open(topic);
  expect(next.row()).toMatchObject({ read: 40, claimed: 40, delivered: 40 });
});

test('a consumer that is not ours is refused; deleted as told, reading goes on behind the last delivery', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const reading = await member.open(topic);
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  await reading.close();
  const [stream, consumer] = [streamOf(topic), await consumerOf(manager, topic)];
  await manager.consumers.delete(stream, consumer);
  const foreign: object = { durable_name: consumer, ack_policy: 'none', filter_subject: topic.pattern };
  await manager.consumers.add(stream, foreign);
  await topic.publish(numbered(20, 20));
  await expect(member.open(topic)).rejects.toThrow(/is not one of ours: its ack policy is none; delete it/);
  await manager.consumers.delete(stream, consumer);
  await member.open(topic);
  await hasAll(rig.recorder, 40);
  expectEachOnce(rig.recorder, ['f'], 40);
});

test('a stream that is named and is not there, or does not have the subject, is said', async () => {
  await using rig = await Rig.start(broker);
  const [topic, other] = [await rig.topic(), await rig.topic()];
  const reading = (stream: string) =>
    rig.member(connectionTo({ servers: nats.url }, (kind) => withJetStream(kind, { stream })));
  await expect(reading('nowhere').open(topic)).rejects.toThrow(
    'NATS has no stream nowhere; the trigger connects when there is one',
  );
  await expect(reading(streamOf(other)).open(topic)).rejects.toThrow(
    `stream ${streamOf(other)} does not have the subject ${topic.pattern}`,
  );
});

test('a mirror has the subjects of its origin', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const name = `mirror-of-${streamOf(topic)}`;
  await manager.streams.add({ name, mirror: { name: streamOf(topic) } });
  const kindOf = (kind: TriggerKind) => withJetStream(kind, { stream: name });
  await rig.member(connectionTo({ servers: nats.url }, kindOf)).open(topic);
  await topic.publish(numbered(10));
  await hasAll(rig.recorder, 10);
  await manager.streams.delete(name);
});
