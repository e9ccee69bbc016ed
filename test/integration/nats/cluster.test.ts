import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionTo, streamBroker, withJetStream } from '../../../triggers/nats/harness.ts';
import { numbered } from '../../conformance/delivery-cases.ts';
import type { Broker, ConformanceTopic } from '../../conformance/harness.ts';
import { type Member, Rig } from '../../conformance/rig.ts';
import { type Nats, startNatsCluster } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';

const SERVERS = 3;
/** An election takes 4 to 9 s, one of a stream may be followed by one of its consumer, and each may have to be repeated. */
const ELECTIONS_MS = 60_000;
let servers: Nats[];
let broker: Broker;
let client: NatsConnection;

beforeAll(async () => {
  servers = await startNatsCluster(SERVERS);
  const addresses = servers.map(({ url }) => url);
  client = await connect({ servers: addresses, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  const manager = await eventually('JetStream answers', () => client.jetstreamManager(), { within: 30_000 });
  await eventually('there is a leader', () => manager.streams.list().next(), { within: 30_000 });
  broker = await streamBroker(addresses, SERVERS);
});
afterAll(async () => {
  await client?.close();
  await broker?.stop();
  await Promise.all((servers ?? []).map((server) => server.stop()));
});

/** A server that is up again takes requests for JetStream before anybody answers them. */
async function answersAt(server: Nats | undefined): Promise<void> {
  const direct = await connect({ servers: server?.url ?? '' });
  const streams = async () => (await direct.jetstreamManager({ timeout: 2_000 })).streams.list().next();
  await eventually('JetStream answers there', streams, { within: 30_000 }).finally(() => direct.close());
}

const streamOf = (topic: ConformanceTopic) => topic.pattern.replace('.*', '').replace('.', '-');

async function publishAll(topic: ConformanceTopic, count: number, from: number): Promise<void> {
  // Ten at a time; one that the cluster does not confirm would be published twice by a second try.
  for (let i = 0; i < count; i += 10) await topic.publish(numbered(10, from + i));
}

/** A change of leaders may lose what was recorded as delivered and not sent yet: that is counted. */
async function allAccounted(rig: Rig, member: Member, published: number): Promise<void> {
  const isAccounted = () => member.row().read === published && member.row().inFlight === 0;
  await eventually('everything is accounted', isAccounted, { within: ELECTIONS_MS });
  const { delivered, dropped } = member.row();
  expect(delivered + (dropped.claim_lost ?? 0)).toBe(published);
  expect(rig.recorder.records.length).toBe(rig.recorder.distinct());
  expect(rig.recorder.distinct()).toBe(delivered);
}

test('the leader of the consumer steps down under load: nothing comes twice, and what is missing is counted', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  rig.recorder.behave('f', { type: 'answer', status: 200, afterMs: 2 });
  const reading = await member.open(topic);
  const manager = await client.jetstreamManager();
  const stream = streamOf(topic);
  const [consumer] = await manager.consumers.list(stream).next();
  await publishAll(topic, 100, 0);
  for (let round = 1; round <= 5; round++) {
    await client.request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${stream}.${consumer?.name}`);
    const leads = () => manager.consumers.info(stream, consumer?.name ?? '');
    await eventually('the consumer has a leader', leads, { within: ELECTIONS_MS });
    await publishAll(topic, 100, round * 100);
  }
  await allAccounted(rig, member, 600);
  expect(reading.failures).toEqual([]);
});

test('a server is killed under load: nothing comes twice, and what is missing is counted', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const member = rig.member();
  rig.recorder.behave('f', { type: 'answer', status: 200, afterMs: 2 });
  const reading = await member.open(topic);
  await publishAll(topic, 200, 0);
  await servers[0]?.kill('SIGKILL');
  const isLed = async () => {
    const manager = await client.jetstreamManager({ timeout: 1_000 });
    return (await manager.streams.info(streamOf(topic))).cluster?.leader !== undefined;
  };
  await eventually('the stream takes events again', isLed, { within: ELECTIONS_MS });
  await publishAll(topic, 200, 200);
  await servers[0]?.restart();
  await allAccounted(rig, member, 400);
  expect(reading.failures).toEqual([]);
});

test('the server that leads the consumer dies with an open pull, and ours is another: it goes on, and what is missing is counted', async () => {
  const [own, ...others] = servers;
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await answersAt(own);
  const member = rig.member(connectionTo({ servers: own?.url ?? '' }, withJetStream));
  const reading = await member.open(topic);
  const manager = await eventually('JetStream answers', () => client.jetstreamManager({ timeout: 2_000 }), {
    within: ELECTIONS_MS,
  });
  const stream = streamOf(topic);
  const [consumer] = await manager.consumers.list(stream).next();
  const anotherLeads = async () => {
    const { cluster } = await manager.consumers.info(stream, consumer?.name ?? '');
    const found = others.find((_, i) => cluster?.leader === `n${i + 1}`);
    if (found === undefined) await client.request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${stream}.${consumer?.name}`);
    return found;
  };
  const leader = await eventually('another server leads it', anotherLeads, { within: ELECTIONS_MS });
  await publishAll(topic, 20, 0);
  await leader?.kill('SIGKILL');
  const isLed = async () => (await manager.streams.info(stream)).cluster?.leader !== undefined;
  await eventually('the stream takes events again', isLed, { within: ELECTIONS_MS });
  await publishAll(topic, 10, 20);
  await allAccounted(rig, member, 30);
  await leader?.restart();
  expect(reading.failures).toEqual([]);
});
