import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { eventually } from '../../support/eventually.ts';
import { createTopic, type TestTopic } from '../../support/kafka.ts';
import { apiKeys, type Frame, isClaim, isCommit, type KafkaProxy, startKafkaProxy } from '../../support/kafka-proxy.ts';
import { type Replica, startReplica } from '../../support/kafka-subscription.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';

/*
 * Two claims on their way at a time: a real broker, behind a proxy that makes the answer to a claim wait, as Kafka does by
 * its own linger.
 */

let proxy: KafkaProxy;
let kafka: Kafka;

beforeAll(async () => {
  proxy = await startKafkaProxy();
  kafka = await startKafka({ proxies: [proxy.address] });
  proxy.lead(kafka.behindProxies[0] ?? '');
});
afterAll(async () => {
  await proxy.close();
  await kafka.stop();
});

/** Connections for commits that were made: the only ones that ask for the first version of ApiVersions. */
let made: number;
const pass = (frame: Frame): 'pass' => {
  if (frame.direction === 'request' && frame.apiKey === apiKeys.apiVersions && frame.bytes.readInt16BE(2) === 0) made++;
  return 'pass';
};

interface Scene extends AsyncDisposable {
  readonly topic: TestTopic;
  readonly recorder: Recorder;
  readonly replica: Replica;
  /** Events that were published. */
  published: number;
}

/** Two partitions, one function; some events have been delivered. */
async function scene(): Promise<Scene> {
  made = 0;
  proxy.rule(pass);
  const topic = await createTopic(kafka.brokers, { partitions: 2 });
  const recorder = await startRecorder(['f']);
  const replica = startReplica({ brokers: [proxy.address], topic: topic.name, recorder });
  await replica.connected();
  await topic.produce(20);
  await eventually('twenty are delivered', () => replica.row()?.delivered === 20);
  return {
    topic,
    recorder,
    replica,
    published: 20,
    async [Symbol.asyncDispose]() {
      proxy.rule(pass);
      proxy.refuse(false);
      await replica.close();
      await recorder.close();
      await topic.delete();
    },
  };
}

/** A key of each of two partitions. */
function keys(): readonly [string, string] {
  const partitionOf = kafkajs.Partitioners.DefaultPartitioner();
  const partitionMetadata = [0, 1].map((partitionId) => ({ partitionId, leader: 1 })) as never;
  const all = Array.from({ length: 20 }, (_, i) => `key-${i}`);
  const at = (wanted: number) =>
    all.find((key) => partitionOf({ topic: '', partitionMetadata, message: { key, value: '' } }) === wanted) ?? '';
  return [at(0), at(1)];
}

/** The answer to the next claim waits until it is released. */
function holdAnswer() {
  const held = Promise.withResolvers<void>();
  const freed = Promise.withResolvers<'pass'>();
  let isClaimed = false;
  proxy.rule((frame) => {
    isClaimed ||= isClaim(frame);
    if (!isClaimed || frame.direction !== 'answer' || !isCommit(frame)) return pass(frame);
    proxy.rule(pass);
    held.resolve();
    return freed.promise;
  });
  return { held: held.promise, release: () => freed.resolve('pass') };
}

async function publish(act: Scene, key: string): Promise<void> {
  await act.topic.produce(1, { from: act.published++, key: () => key });
}

const bodies = ({ recorder }: Scene) => recorder.records.length;

/** One event in each partition, the second while the answer to the claim of the first waits. */
async function claimBoth(act: Scene, meanwhile: () => Promise<unknown>): Promise<void> {
  const [first, second] = keys();
  const { held, release } = holdAnswer();
  await publish(act, first);
  await held;
  await publish(act, second);
  await meanwhile();
  release();
  await eventually('both are delivered', () => bodies(act) === act.published);
}

test('a claim joins one that waits for its answer, over a connection of its own', async () => {
  await using act = await scene();
  // The first one that wants that connection has it made, and does not wait for it.
  await claimBoth(act, () => eventually('it is made', () => made > 0));
  const { published } = act;
  await claimBoth(act, () => eventually('the second is delivered', () => bodies(act) === published + 1));
  expect(act.recorder.distinct()).toBe(act.published);
  expect(act.replica.row()).toMatchObject({ read: 24, claimed: 24, delivered: 24, unknown: {}, dropped: {} });
  expect(act.replica.history.filter(({ type }) => type !== 'connected')).toEqual([]);
});

test('where that connection cannot be made, claims wait for each other, and nothing is in doubt', async () => {
  await using act = await scene();
  proxy.refuse(true);
  for (let round = 0; round < 3; round++) await claimBoth(act, async () => {});
  expect(act.replica.row()).toMatchObject({ read: 26, claimed: 26, delivered: 26, unknown: {}, dropped: {} });
  expect(act.replica.history.filter(({ type }) => type !== 'connected')).toEqual([]);
});
