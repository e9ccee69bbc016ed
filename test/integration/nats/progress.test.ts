import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionTo, streamBroker, withJetStream } from '../../../triggers/nats/harness.ts';
import { hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { Broker } from '../../conformance/harness.ts';
import { type Reading, Rig } from '../../conformance/rig.ts';
import { FullGate } from '../../conformance/scripted-gate.ts';
import { type Nats, startNats } from '../../services/nats.ts';

let nats: Nats;
let broker: Broker;
let client: NatsConnection;

beforeAll(async () => {
  nats = await startNats({ jetstream: true });
  broker = await streamBroker(nats.url);
  client = await connect({ servers: nats.url });
});
afterAll(async () => {
  await client.close();
  await broker.stop();
  await nats.stop();
});

const member = (rig: Rig, askEvery: number) => rig.member(connectionTo({ servers: nats.url, askEvery }, withJetStream));
const progressOf = (reading: Reading) => reading.source.progress?.() ?? expect.fail();
const partOf = (reading: Reading) => progressOf(reading).parts[0] ?? expect.fail();

/** How often somebody asks a server about consumers. */
function asked(): { count: number } {
  const seen = { count: 0 };
  client.subscribe('$JS.API.CONSUMER.INFO.>', { callback: () => void seen.count++ });
  return seen;
}

test('while events come they tell how many wait, and nobody is asked', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const reading = await member(rig, 3_600_000).open(topic);
  expect(partOf(reading)).toMatchObject({ lag: 0, unsettled: 0, redelivered: 0 });
  const before = progressOf(reading).movedAt;
  const questions = asked();
  await client.flush();
  await topic.publish(numbered(200));
  await hasAll(rig.recorder, 200);
  await rig.until('all is settled', () => partOf(reading).lag === 0 && partOf(reading).unsettled === 0);
  expect(progressOf(reading).movedAt).toBeGreaterThan(before);
  expect(progressOf(reading).held).toBe(false);
  expect(questions.count).toBe(0);
});

test('what was claimed and has no outcome is unsettled', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  rig.recorder.behave('f', { type: 'hang' });
  const reading = await member(rig, 100).open(topic, { delivery: { timeout: '1s' } });
  await topic.publish(numbered(3));
  await rig.until('all are claimed', () => partOf(reading).unsettled === 3);
  await rig.until('the calls have timed out', () => partOf(reading).unsettled === 0);
});

test('a source that waits for room is held, and asks how many events wait meanwhile', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const gate = new FullGate();
  const reading = await member(rig, 50).open(topic, { gate });
  await gate.asked;
  await topic.publish(numbered(30));
  await rig.until('it knows of them', () => partOf(reading).lag === 30);
  expect(progressOf(reading).held).toBe(true);
  gate.close();
});

test('a paused source is held, and knows how many wait', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  const reading = await member(rig, 50).open(topic, { paused: true });
  await topic.publish(numbered(7));
  await rig.until('it knows of them', () => partOf(reading).lag === 7);
  expect(progressOf(reading).held).toBe(true);
});
