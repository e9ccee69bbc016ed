import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionTo, streamBroker, withJetStream } from '../../../triggers/nats/harness.ts';
import { Replicas } from '../../chaos/nats/replicas.ts';
import { numbered } from '../../conformance/delivery-cases.ts';
import type { Broker, ConformanceTopic } from '../../conformance/harness.ts';
import { type Member, Rig } from '../../conformance/rig.ts';
import { LosingGate } from '../../conformance/scripted-gate.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { chosenSeed, seededRandom } from '../../support/random.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';

/* Members that are killed while others live: what they claimed behind their last record is counted all the same. */

let nats: Nats;
let broker: Broker;
let client: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  nats = await startNats({ jetstream: true });
  broker = await streamBroker(nats.url);
  client = await connect({ servers: nats.url });
  manager = await client.jetstreamManager();
});
afterAll(async () => {
  await client.close();
  await broker.stop();
  await nats.stop();
});

const COUNT = 60;

/** Claims, and its records do not come to the server any more; then it is gone. */
class Doomed implements AsyncDisposable {
  readonly #gate = new LosingGate();
  readonly #proxy: TcpProxy;
  readonly #member: Member;

  private constructor(proxy: TcpProxy, member: Member) {
    this.#proxy = proxy;
    this.#member = member;
  }

  static async open(rig: Rig, topic: ConformanceTopic): Promise<Doomed> {
    const proxy = await tcpProxy(nats.url);
    const doomed = new Doomed(proxy, rig.member(connectionTo({ servers: proxy.address }, withJetStream)));
    await doomed.#member.open(topic, { gate: doomed.#gate });
    return doomed;
  }

  get claimed(): number {
    return this.#gate.lost.length;
  }

  /** From the next record on nothing of it comes through. */
  forget(): void {
    this.#proxy.watch((piece, direction) => {
      const isRecord = direction === 'up' && piece.includes('PUB trigate.ledger.');
      if (isRecord) this.#proxy.swallow('up');
      return isRecord ? 'swallow' : 'pass';
    });
  }

  async die(): Promise<void> {
    this.#proxy.cut();
    await this.#member.abandon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy.close();
  }
}

const sum = (members: readonly Member[], of: (row: ReturnType<Member['row']>) => number) =>
  members.reduce((all, member) => all + of(member.row()), 0);

/** Opens another member, and has all of them claim events that the doomed ones will not record. */
async function oneThatLives(rig: Rig, topic: ConformanceTopic, doomed: readonly Doomed[]): Promise<Member> {
  const living = rig.member();
  await living.open(topic);
  for (const each of doomed) each.forget();
  await topic.publish(numbered(COUNT));
  const claimed = () => doomed.reduce((all, each) => all + each.claimed, living.row().read);
  await rig.until('all are claimed', () => claimed() === COUNT);
  return living;
}

const streamOf = (topic: ConformanceTopic) => topic.pattern.replace('.*', '').replace('.', '-');

const nobodyWaits = (topic: ConformanceTopic) =>
  eventually('the server waits for no acknowledgement', async () => {
    const [consumer] = await manager.consumers.list(streamOf(topic)).next();
    return consumer?.num_ack_pending === 0;
  });

test('claims of a member that had no time to record them are counted by the next one, while another one lives', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using doomed = await Doomed.open(rig, topic);
  const living = await oneThatLives(rig, topic, [doomed]);
  expect(doomed.claimed).toBeGreaterThan(0);
  await doomed.die();
  const next = rig.member();
  await next.open(topic);
  expect(next.row()).toMatchObject({ read: doomed.claimed, unknown: { crash: doomed.claimed }, inFlight: 0 });
  await rig.until('the other one has its outcomes', () => living.row().delivered === COUNT - doomed.claimed);
  await nobodyWaits(topic);
});

test('two members die at once, and two others open at once: each claim is counted once', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using first = await Doomed.open(rig, topic);
  await using second = await Doomed.open(rig, topic);
  const living = await oneThatLives(rig, topic, [first, second]);
  await Promise.all([first.die(), second.die()]);
  const next = [rig.member(), rig.member()];
  await Promise.all(next.map((member) => member.open(topic)));
  await topic.publish(numbered(COUNT, COUNT));
  const all = [living, ...next];
  await rig.until(
    'all have an outcome',
    () => sum(all, ({ delivered, unknown }) => delivered + (unknown.crash ?? 0)) === 2 * COUNT,
  );
  expect(sum(all, ({ read }) => read)).toBe(2 * COUNT);
  expect(sum(all, ({ unknown }) => unknown.crash ?? 0)).toBe(first.claimed + second.claimed);
  expect(all.flatMap((member) => member.gaps())).toEqual([]);
  await nobodyWaits(topic);
});

test('the one that takes over is killed in the middle: the next one counts what is left, once', async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using doomed = await Doomed.open(rig, topic);
  const living = await oneThatLives(rig, topic, [doomed]);
  await doomed.die();
  await using proxy = await tcpProxy(nats.url);
  const asks = Promise.withResolvers<void>();
  proxy.watch((piece, direction) => {
    if (direction === 'up' && piece.includes('"through":')) {
      proxy.swallow('up');
      asks.resolve();
    }
    return 'pass';
  });
  const taker = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  const opening = taker.open(topic);
  opening.catch(() => {});
  await asks.promise;
  proxy.cut();
  const next = rig.member();
  await eventually('the server knows that it is gone', () => next.open(topic).then(() => true));
  await rig.until('it is counted', () => next.row().unknown.crash === doomed.claimed);
  await rig.until('the other one has its outcomes', () => living.row().delivered === COUNT - doomed.claimed);
  expect(sum([living, next], ({ read }) => read)).toBe(COUNT);
  await nobodyWaits(topic);
  await taker.abandon();
});

test('a living member that does not say what it has makes it a gap, not a number', { timeout: 60_000 }, async () => {
  await using rig = await Rig.start(broker);
  const topic = await rig.topic();
  await using doomed = await Doomed.open(rig, topic);
  await using proxy = await tcpProxy(nats.url);
  const mute = rig.member(connectionTo({ servers: proxy.address }, withJetStream));
  await mute.open(topic);
  doomed.forget();
  await topic.publish(numbered(COUNT));
  await rig.until('all are claimed', () => doomed.claimed + mute.row().read === COUNT);
  await doomed.die();
  proxy.swallow();
  const next = rig.member();
  await next.open(topic);
  expect(next.row()).toMatchObject({ read: 0, unknown: {} });
  expect(next.gaps()).toMatchObject([{ cause: expect.stringContaining('does not say all that it has claimed') }]);
  proxy.cut();
  await mute.abandon();
});

test('gateways that share a consumer are killed with -9 under load: every event is in one ledger, once', {
  timeout: 300_000,
}, async () => {
  const random = seededRandom(chosenSeed());
  await using replicas = await Replicas.start(1);
  for (const victims of [1, 2, 1] as const) {
    await replicas.killUnderLoad(random, victims);
    await replicas.settleUp();
  }
});
