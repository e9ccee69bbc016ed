import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TriggerKind } from '../../../src/domain/kind.ts';
import { connectionTo, streamBroker, withJetStream } from '../../../triggers/nats/harness.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { Broker, ConformanceTopic } from '../../conformance/harness.ts';
import { type Member, type Reading, Rig } from '../../conformance/rig.ts';
import { LosingGate } from '../../conformance/scripted-gate.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';

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

const streamOf = (topic: ConformanceTopic) => topic.pattern.replace('.*', '').replace('.', '-');

async function consumerOf(topic: ConformanceTopic): Promise<string> {
  const [consumer] = await manager.consumers.list(streamOf(topic)).next();
  if (consumer === undefined) throw new Error('the stream has no consumer');
  return consumer.name;
}

/** As another process does that takes the only member of a consumer for dead. */
async function giveAway(consumer: string): Promise<void> {
  const subject = `trigate.ledger.${consumer}.0`;
  const record = (await manager.streams.getMessage('TRIGATE_LEDGER', { last_by_subj: subject })).json<object>();
  await client.jetstream().publish(subject, JSON.stringify({ ...record, owner: 'another' }));
}

/** Their acknowledgements have come, and the record before them. */
const noneIsPending = (topic: ConformanceTopic) =>
  eventually('the server waits for no acknowledgement', async () => {
    const info = await manager.consumers.info(streamOf(topic), await consumerOf(topic));
    return info.num_ack_pending === 0;
  });

const failed = (reading: Reading) => eventually('the source fails', () => reading.failures[0]);

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
  await manager.consumers.delete(streamOf(topic), await consumerOf(topic));
  await topic.publish(numbered(20, 20));
  expect(await failed(reading)).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('was deleted') });
  await reading.close();
  await member.open(topic);
  await hasAll(rig.recorder, 40);
  expectEachOnce(rig.recorder, ['f'], 40);
  await rig.until('all are counted', () => member.row().delivered === 40);
  expect(member.row()).toMatchObject({ read: 40, claimed: 40 });
});

test('one that two members share and somebody deletes is made anew when both have left it, behind what both had', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const members = [rig.member(), rig.member()];
  const readings = new Map<Member, Reading>();
  for (const member of members) readings.set(member, await member.open(topic));
  await topic.publish(numbered(40));
  await hasAll(rig.recorder, 40);
  await manager.consumers.delete(streamOf(topic), await consumerOf(topic));
  await topic.publish(numbered(40, 40));
  await Promise.all(
    [...readings].map(async ([member, reading]) => {
      expect(await failed(reading)).toMatchObject({ code: 'NOT_FOUND' });
      await reading.close();
      await eventually('it opens', () => member.open(topic).catch(() => false as const), { within: 20_000 });
    }),
  );
  await topic.publish(numbered(40, 80));
  await hasAll(rig.recorder, 120);
  expectEachOnce(rig.recorder, ['f'], 120);
  const sum = () => members.map((member) => member.row()).reduce((all, { delivered }) => all + delivered, 0);
  await rig.until('all are counted', () => sum() === 120);
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
  await manager.consumers.delete(streamOf(topic), await consumerOf(topic));
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
  await manager.consumers.update(streamOf(topic), await consumerOf(topic), edited);
  await rig.until('they are refused', () => member.row().droppedBeforeClaim.claim_lost === 3);
  await rig.until('the calls end', () => member.row().unknown.timeout === 3);
  expect(rig.recorder.records.length).toBe(3);
  expect(member.row()).toMatchObject({ read: 6, claimed: 3 });
});

test('opening puts the settings of a consumer right again', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const reading = await rig.member().open(topic);
  await manager.consumers.update(streamOf(topic), await consumerOf(topic), { max_deliver: 5, max_ack_pending: 7 });
  await reading.close();
  await rig.member().open(topic, { delivery: { ttl: '10s', timeout: '20s', room: 100, concurrency: 10 } });
  const { config } = await manager.consumers.info(streamOf(topic), await consumerOf(topic));
  expect(config).toMatchObject({ max_deliver: 1, max_ack_pending: 440, ack_wait: 60_000_000_000 });
});

test('what somebody else pulls from the consumer and throws away is counted as claim_lost', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const paused = await member.open(topic, { paused: true });
  await topic.publish(numbered(20));
  const consumer = await client.jetstream().consumers.get(streamOf(topic), await consumerOf(topic));
  for await (const _ of await consumer.fetch({ max_messages: 5 }));
  await paused.close();
  await member.open(topic);
  await hasAll(rig.recorder, 15);
  await rig.until('all are counted', () => member.row().delivered === 15);
  expect(member.row()).toMatchObject({ read: 20, claimed: 20, dropped: { claim_lost: 5 } });
});

test('what another member had, before it left in good order, is not counted as claim_lost by one that was cut off', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const staying = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const reading = await staying.open(topic);
  const leaving = rig.member();
  const other = await leaving.open(topic);
  proxy.cut();
  await eventually('it is cut', () => reading.statuses.at(-1)?.type === 'disconnected');
  await topic.publish(numbered(20));
  await hasAll(rig.recorder, 20);
  await other.close();
  proxy.heal();
  await eventually('it is back', () => reading.statuses.at(-1)?.type === 'connected');
  await topic.publish(numbered(20, 20));
  await hasAll(rig.recorder, 40);
  await rig.until('all are counted', () => staying.row().delivered === 20);
  expect(staying.row()).toMatchObject({ read: 20, claimed: 20, dropped: {} });
  expect(leaving.row()).toMatchObject({ read: 20, claimed: 20, delivered: 20 });
});

test('claims of a member that is killed are counted by the next one, also those that it had no time to record', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const dying = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const gate = new LosingGate();
  await dying.open(topic, { gate });
  await topic.publish(numbered(1));
  await rig.until('one is claimed', () => gate.lost.length === 1);
  await topic.publish(numbered(19, 1));
  await rig.until('all are claimed', () => gate.lost.length === 20);
  proxy.cut();
  await dying.abandon();
  const next = rig.member();
  await next.open(topic);
  expect(next.row()).toMatchObject({ read: 20, claimed: 20, unknown: { crash: 20 }, inFlight: 0 });
  await noneIsPending(topic);
});

test('a member that was taken for dead finds its records taken: its outcomes are late, and count nowhere', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const zombie = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const reading = await zombie.open(topic, { delivery: { timeout: '6s' } });
  await topic.publish([{ data: 'first', key: 'a' }]);
  await rig.until('the first is delivered', () => zombie.row().delivered === 1);
  await noneIsPending(topic);
  rig.recorder.behave('f', { type: 'hang' });
  await topic.publish(numbered(5));
  await hasAll(rig.recorder, 6);
  proxy.cut();
  await eventually('it is cut', () => reading.statuses.at(-1)?.type === 'disconnected');
  const successor = rig.member();
  await eventually('the server knows it, too', async () => {
    const opened = await successor.open(topic, { paused: true });
    await opened.close();
    return successor.row().unknown.crash === 5;
  });
  proxy.heal();
  expect(await failed(reading)).toMatchObject({ code: 'CONFLICT' });
  await reading.close();
  expect(zombie.row()).toMatchObject({ read: 0, claimed: 0, unknown: {}, inFlight: 0 });
  expect(successor.row()).toMatchObject({ read: 6, claimed: 6, delivered: 1, unknown: { crash: 5 } });
});

test('a member that was taken for dead sends nothing more when it is back, and its successor all', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const zombie = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const reading = await zombie.open(topic);
  await topic.publish(numbered(1));
  await rig.until('the first is delivered', () => zombie.row().delivered === 1);
  await noneIsPending(topic);
  proxy.cut();
  await eventually('it is cut', () => reading.statuses.at(-1)?.type === 'disconnected');
  const successor = rig.member();
  const paused = await eventually('the server knows it, too', async () => {
    const opened = await successor.open(topic, { paused: true });
    if (successor.row().delivered === 1) return opened;
    await opened.close();
    return false;
  });
  await topic.publish(numbered(50, 1));
  proxy.heal();
  expect(await failed(reading)).toMatchObject({ code: 'CONFLICT' });
  await reading.close();
  expect(zombie.row()).toMatchObject({ read: 0, claimed: 0, inFlight: 0 });
  await paused.close();
  await successor.open(topic);
  await rig.until('the rest arrives', () => successor.row().delivered === 51);
  expect(successor.row()).toMatchObject({ read: 51, claimed: 51, dropped: {} });
  expectEachOnce(rig.recorder, ['f'], 51);
});

test('what is delivered to a member whose records were taken is neither sent nor counted by it', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  const reading = await member.open(topic);
  await topic.publish(numbered(1));
  await rig.until('the first is delivered', () => member.row().delivered === 1);
  await noneIsPending(topic);
  await giveAway(await consumerOf(topic));
  await topic.publish(numbered(1, 1));
  expect(await failed(reading)).toMatchObject({ code: 'CONFLICT' });
  await topic.publish(numbered(1, 2));
  await eventually('the server has delivered it, or the pull has ended', async () => {
    const info = await manager.consumers.info(streamOf(topic), await consumerOf(topic));
    return info.delivered.consumer_seq === 3 || info.num_waiting === 0;
  });
  await reading.close();
  expect(member.row()).toMatchObject({ read: 0, claimed: 0, inFlight: 0 });
  expectEachOnce(rig.recorder, ['f'], 2);
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
  await noneIsPending(topic);
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
  const [stream, consumer] = [streamOf(topic), await consumerOf(topic)];
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
