import { randomUUID } from 'node:crypto';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/domain/clock.ts';
import { createNatsKind } from '../../../triggers/nats/index.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { numberedBodies } from '../../support/numbered.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type Replica, startSubscription } from '../../support/subscription.ts';
import { type Direction, type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';

/*
 * Consumers that have work and make no progress, though their connection is up: as nats.node #570 and #649, and @nats-io's
 * #190, #258, #286 and #375. The client's own consumers are not used here; what made them fall silent comes over the wire
 * all the same. Publishing goes past the proxy.
 */

const STALL_AFTER = 2_000;
const FIRST = 20;

let nats: Nats;
let client: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  nats = await startNats({ jetstream: true });
  client = await connect({ servers: nats.url, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  manager = await client.jetstreamManager();
});
afterAll(async () => {
  await client.close();
  await nats.stop();
});

interface Scene extends AsyncDisposable {
  readonly stream: string;
  readonly proxy: TcpProxy;
  readonly recorder: Recorder;
  readonly replica: Replica;
  consumer(): Promise<string>;
  publish(count: number): Promise<void>;
  /** Resolves when all that was published has come, each once. */
  allDelivered(): Promise<void>;
}

/** A stream and a subscription to it; twenty events have been delivered. */
async function scene(): Promise<Scene> {
  const id = randomUUID().slice(0, 8);
  const [stream, subject] = [`stall-${id}`, `stall.${id}`];
  await manager.streams.add({ name: stream, subjects: [subject] });
  const proxy = await tcpProxy(nats.url);
  const recorder = await startRecorder(['f']);
  const kind = createNatsKind({ servers: proxy.address, askEvery: 200 }, systemClock);
  const spec = { jetstream: {} };
  const replica = startSubscription(kind, { topic: subject, recorder, spec, stallAfter: STALL_AFTER });
  await replica.connected();
  let published = 0;
  const all: string[] = [];
  const act: Scene = {
    stream,
    proxy,
    recorder,
    replica,
    async consumer() {
      const [found] = await manager.consumers.list(stream).next();
      return found?.name ?? '';
    },
    async publish(count) {
      const bodies = numberedBodies(count, published);
      published += count;
      all.push(...bodies);
      for (const body of bodies) client.publish(subject, body);
      await client.flush();
    },
    async allDelivered() {
      await eventually('all are delivered', () => replica.row()?.delivered === published, { within: 30_000 });
      expect(
        recorder
          .of('f')
          .map(({ body }) => body)
          .sort(),
      ).toEqual(all.toSorted());
    },
    async [Symbol.asyncDispose]() {
      proxy.watch();
      await replica.close();
      await proxy.close();
      await recorder.close();
      await manager.streams.delete(stream);
    },
  };
  await act.publish(FIRST);
  await act.allDelivered();
  return act;
}

/** Pieces in which that text stands are swallowed, until `proxy.watch()`. */
const swallow = ({ proxy }: Scene, direction: Direction, text: string) =>
  proxy.watch((piece, goes) => (goes === direction && piece.includes(text) ? 'swallow' : 'pass'));

const reasons = ({ history }: Replica) => history.flatMap((each) => (each.type === 'disconnected' ? each.reason : []));

test('pulls that are never answered: the source is opened anew, a person is told when that does not help, and it heals', async () => {
  await using act = await scene();
  swallow(act, 'up', 'CONSUMER.MSG.NEXT');
  await act.publish(30);
  await eventually('the stall is seen', () => (act.replica.progress()?.stalls ?? 0) > 0, { within: 20_000 });
  expect(reasons(act.replica)).toContain('SOURCE_STALLED');
  expect(act.replica.stuck).toBeUndefined();
  const stuck = await eventually('it is stuck', () => act.replica.stuck, { within: 30_000 });
  expect(stuck).toMatch(
    /^(29|30) events wait in stall-.*nor after the source was opened anew: look whether the broker is well/,
  );
  act.proxy.watch();
  await eventually('it moves', () => act.replica.stuck === undefined, { within: 30_000 });
  await act.allDelivered();
});

test('deliveries that are lost on their way: each is counted, and the rest comes when they pass again', async () => {
  await using act = await scene();
  swallow(act, 'down', '$JS.ACK.');
  await act.publish(10);
  await eventually('the stall is seen', () => (act.replica.progress()?.stalls ?? 0) > 0, { within: 30_000 });
  act.proxy.watch();
  await act.publish(10);
  await eventually('all is accounted', () => act.replica.row()?.read === 40 && act.replica.row()?.inFlight === 0, {
    within: 30_000,
  });
  const { delivered = 0, dropped, unknown } = act.replica.row() ?? {};
  const lost = dropped?.claim_lost ?? 0;
  expect(lost).toBeGreaterThan(0);
  expect(unknown).toEqual({});
  expect(delivered + lost).toBe(40);
  expect(act.recorder.of('f').length).toBe(delivered);
});

test('a process that sleeps longer than a pull takes loses nothing of what was delivered meanwhile', async () => {
  await using act = await scene();
  const slept = Promise.withResolvers<void>();
  act.proxy.watch((piece, direction) => {
    if (direction === 'up' || !piece.includes('$JS.ACK.')) return 'pass';
    act.proxy.watch();
    // Its time is over when it wakes up, and only then does the delivery come.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7_000);
    slept.resolve();
    return 'pass';
  });
  await Promise.all([act.publish(10), slept.promise]);
  await act.allDelivered();
  expect(act.replica.row()?.dropped).toEqual({});
});

test('the consumer is deleted while a pull is open: it is made anew behind what was delivered', async () => {
  await using act = await scene();
  await manager.consumers.delete(act.stream, await act.consumer());
  await act.publish(30);
  await act.allDelivered();
  expect(reasons(act.replica)).toContain('NOT_FOUND');
});

test('the server is restarted, and with it goes the pull that was open: it goes on by itself', async () => {
  await using act = await scene();
  await nats.restart();
  await eventually('the publisher is connected', () => client.flush().then(() => true));
  await act.publish(30);
  await act.allDelivered();
  expect(act.replica.progress()?.stalls).toBe(0);
});

test('a consumer whose members may have no more pending is held, not stalled, and goes on', async () => {
  await using act = await scene();
  const consumer = await act.consumer();
  await manager.consumers.update(act.stream, consumer, { max_ack_pending: 5 });
  swallow(act, 'up', 'CONSUMER.MSG.NEXT');
  await act.publish(15);
  const other = await client.jetstream().consumers.get(act.stream, consumer);
  const taken = await other.fetch({ max_messages: 5, expires: 2_000 });
  const theirs = [];
  for await (const message of taken) theirs.push(message);
  act.proxy.watch();
  await eventually('it is held', () => act.replica.progress()?.progress.held, { within: 20_000 });
  const stalls = act.replica.progress()?.stalls;
  const heldAt = performance.now();
  await eventually('longer than a stall takes', () => performance.now() - heldAt > 2 * STALL_AFTER);
  expect(act.replica.progress()).toMatchObject({ stalls, progress: { held: true } });
  for (const message of theirs) message.ack();
  await eventually('the others come', () => act.replica.row()?.delivered === FIRST + 10, { within: 30_000 });
});
