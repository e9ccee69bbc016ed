import { Kafka as Client, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Kafka } from '../../services/kafka.ts';
import { checkDelivery } from '../../support/checker.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { createTopic } from '../../support/kafka.ts';
import {
  type KafkaBehindProxy,
  type Scene,
  startKafkaBehindProxy,
  startScene,
} from '../../support/kafka-behind-proxy.ts';
import { apiKeys, type Frame, type KafkaProxy, type Verdict } from '../../support/kafka-proxy.ts';
import { type Replica, startReplica } from '../../support/kafka-subscription.ts';
import { startRecorder } from '../../support/recorder.ts';

/*
 * A consumer that has work and makes no progress, though all its connections are up: the answers to its fetches are
 * swallowed on their way. Publishing goes past the proxy.
 */

const STALL_AFTER = 2_000;

let behind: KafkaBehindProxy;
let proxy: KafkaProxy;
let kafka: Kafka;

beforeAll(async () => {
  behind = await startKafkaBehindProxy();
  ({ proxy, kafka } = behind);
});
afterAll(() => behind?.stop());

const lagOf = (replica: Replica) =>
  replica
    .progress()
    ?.progress.parts.reduce<number | undefined>(
      (sum, { lag }) => (sum === undefined || lag === undefined ? undefined : sum + lag),
      0,
    );

const swallowFetches = () =>
  proxy.rule(({ direction, apiKey }) => (direction === 'answer' && apiKey === apiKeys.fetch ? 'swallow' : 'pass'));

/** The next such frame from now on meets that verdict; resolves then. */
function next(direction: Frame['direction'], apiKey: number, verdict: Verdict): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  proxy.rule((frame) => {
    if (frame.direction !== direction || frame.apiKey !== apiKey) return 'pass';
    proxy.rule(() => 'pass');
    resolve();
    return verdict;
  });
  return promise;
}

function expectEachOnce({ topic, recorder }: Scene, events: number): void {
  const findings = checkDelivery({ functions: ['f'], bodies: topic.bodies(events) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
}

/** Two partitions. */
const scene = (more: { readonly sessionTimeout?: number } = {}): Promise<Scene> =>
  startScene(behind, 2, { connection: { askEndsEvery: 500 }, stallAfter: STALL_AFTER, ...more });

test('a consumer that is answered no fetches is opened anew, and what waited is delivered once', async () => {
  await using act = await scene();
  swallowFetches();
  await act.topic.produce(30, { from: 20 });
  await eventually('the stall is seen', () => act.replica.progress()?.stalls === 1);
  const reason = (reasons: Replica) =>
    reasons.history.flatMap((each) => (each.type === 'disconnected' ? each.reason : []));
  expect(reason(act.replica)).toContain('SOURCE_STALLED');
  expect(act.replica.stuck).toBeUndefined();
  proxy.rule(() => 'pass');
  await eventually('all are delivered', () => act.replica.row()?.delivered === 50, { within: 30_000 });
  expectEachOnce(act, 50);
  await eventually('nothing lags', () => lagOf(act.replica) === 0);
});

test('while opening anew does not help a person is told, until it moves again', async () => {
  await using act = await scene();
  swallowFetches();
  await act.topic.produce(30, { from: 20 });
  const stuck = await eventually('it is stuck', () => act.replica.stuck, { within: 30_000 });
  expect(stuck).toMatch(/^30 events wait in .*nor after the source was opened anew: look whether the broker is well/);
  proxy.rule(() => 'pass');
  await eventually('it moves', () => act.replica.stuck === undefined, { within: 30_000 });
  await eventually('all are delivered', () => act.replica.row()?.delivered === 50, { within: 30_000 });
});

describe('where kafkajs falls silent', () => {
  test('a coordinator that answers no heartbeats: the source is opened anew', async () => {
    await using act = await scene();
    proxy.rule(({ direction, apiKey }) =>
      direction === 'answer' && apiKey === apiKeys.heartbeat ? 'swallow' : 'pass',
    );
    // The first of these waits in its handler for the answer to a heartbeat.
    let published = 20;
    await eventually('the stall is seen', async () => {
      await act.topic.produce(10, { from: published });
      published += 10;
      return act.replica.progress()?.stalls === 1;
    });
    proxy.rule(() => 'pass');
    await eventually('all are delivered', () => act.replica.row()?.delivered === published, { within: 60_000 });
    expectEachOnce(act, published);
  });

  test('fetches that fail more often than it tries again, over time: it goes on (tulios/kafkajs#1592)', async () => {
    await using act = await scene();
    for (let round = 0; round < 8; round++) {
      const cut = next('answer', apiKeys.fetch, 'cut');
      await act.topic.produce(10, { from: 20 + 10 * round });
      await cut;
      await eventually('this round is delivered', () => act.replica.row()?.delivered === 30 + 10 * round, {
        within: 30_000,
      });
    }
    expectEachOnce(act, 100);
  });

  test('a handler that waits for room longer than the session stays a member (tulios/kafkajs#1645, #1719, #1720)', async () => {
    await using act = await scene({ sessionTimeout: 4_000 });
    act.recorder.behave('f', { type: 'hang' });
    await act.topic.produce(3_000, { from: 20 });
    await eventually('it is held, with what waits and what is in doubt', () => {
      const { held, parts = [] } = act.replica.progress()?.progress ?? {};
      return held && (lagOf(act.replica) ?? 0) > 1_000 && parts.some(({ unsettled }) => unsettled > 0);
    });
    await eventually('it has waited for longer than a session, and than a stall takes', () => {
      return (act.replica.progress()?.stillFor ?? 0) > 5_000;
    });
    expect(act.replica.progress()).toMatchObject({ rebalances: 0, stalls: 0 });
  });

  test('a source that was closed fetches and commits nothing more, and is no member (tulios/kafkajs#1593)', async () => {
    await using act = await scene();
    await act.replica.close();
    const seen: Frame[] = [];
    proxy.rule((frame) => {
      seen.push(frame);
      return 'pass';
    });
    const admin = new Client({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([`default_chaos_f_${act.topic.name}`]);
    await admin.disconnect();
    await act.topic.produce(10, { from: 20 });
    expect(groups.map(({ state, members }) => [state, members.length])).toEqual([['Empty', 0]]);
    expect(seen).toEqual([]);
  });

  test('a source is closed while its join is not answered (tulios/kafkajs#1074)', async () => {
    await using topic = await createTopic(kafka.brokers, { partitions: 2 });
    await using recorder = await startRecorder(['f']);
    const asked = next('answer', apiKeys.joinGroup, 'swallow');
    await using replica = startReplica({ brokers: [proxy.address], topic: topic.name, recorder });
    await asked;
    await inTime('it is closed', replica.close(), 15_000);
  });

  test('a source is closed in the middle of a rebalance, and does not come back (tulios/kafkajs#1074)', async () => {
    await using act = await scene();
    const joins = next('request', apiKeys.joinGroup, 'pass');
    await using other = startReplica({ brokers: kafka.brokers, topic: act.topic.name, recorder: act.recorder });
    await joins;
    await act.replica.close();
    await other.connected();
    await eventually('the other has all partitions', () => other.progress()?.progress.parts.length === 2);
    const seen: Frame[] = [];
    proxy.rule((frame) => {
      seen.push(frame);
      return 'pass';
    });
    await act.topic.produce(10, { from: 20 });
    await eventually('all are delivered', () => act.recorder.distinct() === 30);
    expectEachOnce(act, 30);
    expect(seen).toEqual([]);
  });

  test('a fetch that stays open does not keep a source from closing', async () => {
    // A fetch may stay open for 90 s.
    await using act = await scene({ sessionTimeout: 300_000 });
    await inTime('it is closed', act.replica.close(), 10_000);
  });

  test('a fetch that stays open does not keep a rebalance waiting', async () => {
    // A fetch may stay open for 18 s, and each 6 s a heartbeat says that the group changes.
    await using act = await scene({ sessionTimeout: 60_000 });
    await using other = startReplica({ brokers: kafka.brokers, topic: act.topic.name, recorder: act.recorder });
    await inTime('the other has joined', other.connected(), 15_000);
    await eventually('both are in the group', () => act.replica.progress()?.rebalances === 1);
  });
});
