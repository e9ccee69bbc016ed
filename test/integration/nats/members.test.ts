import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionTo, streamBroker, withJetStream } from '../../../triggers/nats/harness.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { Broker } from '../../conformance/harness.ts';
import { type Member, type Reading, Rig } from '../../conformance/rig.ts';
import { LosingGate } from '../../conformance/scripted-gate.ts';
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

/** As another process does that takes the only member of a consumer for dead. */
async function giveAway(consumer: string): Promise<void> {
  const subject = `trigate.ledger.${consumer}.0`;
  const record = (await manager.streams.getMessage('TRIGATE_LEDGER', { last_by_subj: subject })).json<object>();
  await client.jetstream().publish(subject, JSON.stringify({ ...record, owner: 'another' }));
}

test('a consumer that two members share and somebody deletes is made anew when both have left it, behind what both had', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const members = [rig.member(), rig.member()];
  const readings = new Map<Member, Reading>();
  for (const member of members) readings.set(member, await member.open(topic));
  await topic.publish(numbered(40));
  await hasAll(rig.recorder, 40);
  await manager.consumers.delete(streamOf(topic), await consumerOf(manager, topic));
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
  await noneIsPending(manager, topic);
});

test('a member that was taken for dead finds its records taken: its outcomes are late, and count nowhere', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const zombie = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const reading = await zombie.open(topic, { delivery: { timeout: '6s' } });
  await topic.publish([{ data: 'first', key: 'a' }]);
  await rig.until('the first is delivered', () => zombie.row().delivered === 1);
  await noneIsPending(manager, topic);
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

test('a member that was taken for dead pulls nothing more when it is back, and its successor all', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using proxy = await tcpProxy(nats.url);
  const zombie = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const reading = await zombie.open(topic);
  await topic.publish(numbered(1));
  await rig.until('the first is delivered', () => zombie.row().delivered === 1);
  await noneIsPending(manager, topic);
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
  await noneIsPending(manager, topic);
  await giveAway(await consumerOf(manager, topic));
  await topic.publish(numbered(1, 1));
  expect(await failed(reading)).toMatchObject({ code: 'CONFLICT' });
  await topic.publish(numbered(1, 2));
  await eventually('the server has delivered it, or the pull has ended', async () => {
    const info = await manager.consumers.info(streamOf(topic), await consumerOf(manager, topic));
    return info.delivered.consumer_seq === 3 || info.num_waiting === 0;
  });
  await reading.close();
  expect(member.row()).toMatchObject({ read: 0, claimed: 0, inFlight: 0 });
  expectEachOnce(rig.recorder, ['f'], 2);
});
