import { afterAll, beforeAll, expect, test } from 'vitest';
import { streamBroker } from '../../../triggers/nats/harness.ts';
import { expectEachOnce, hasAll, numbered } from '../../conformance/delivery-cases.ts';
import type { Broker } from '../../conformance/harness.ts';
import { type Member, Rig } from '../../conformance/rig.ts';
import { type Nats, startNats } from '../../services/nats.ts';

const CHUNK = 20;
const ROUNDS = 3;

let nats: Nats;
let broker: Broker;

beforeAll(async () => {
  nats = await startNats({ jetstream: true });
  broker = await streamBroker(nats.url);
});
afterAll(async () => {
  await broker.stop();
  await nats.stop();
});

test('two replicas are replaced one after the other under load: all events arrive, once, and none is in doubt', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  rig.recorder.behave('f', { type: 'answer', status: 200, afterMs: 3 });
  const delivery = { room: 64, concurrency: 8 };
  const start = async () => {
    const member = rig.member();
    await member.open(topic, { delivery });
    return member;
  };
  const replicas: Member[] = [await start(), await start()];
  let published = 0;
  let isOver = false;
  const publishing = (async () => {
    for (; !isOver; published += CHUNK) await topic.publish(numbered(CHUNK, published));
  })();
  for (let round = 0; round < ROUNDS * replicas.length; round++) {
    const before = rig.recorder.distinct();
    await rig.until('it delivers', () => rig.recorder.distinct() > before + 2 * CHUNK);
    await replicas[round % replicas.length]?.close();
    replicas[round % replicas.length] = await start();
  }
  isOver = true;
  await publishing;
  await hasAll(rig.recorder, published);
  const sum = (of: (member: Member) => number) => replicas.reduce((all, member) => all + of(member), 0);
  await rig.until('all have their outcome', () => sum((member) => member.row().delivered) === published);
  expectEachOnce(rig.recorder, ['f'], published);
  expect(sum((member) => member.row().read)).toBe(published);
  for (const member of replicas)
    expect(member.row()).toMatchObject({ unknown: {}, dropped: {}, droppedBeforeClaim: {}, inFlight: 0 });
});
