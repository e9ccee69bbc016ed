import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import {
  type KafkaBehindProxy,
  type Scene,
  startKafkaBehindProxy,
  startScene,
} from '../../support/kafka-behind-proxy.ts';
import { apiKeys, type Frame, isClaim, isCommit, type KafkaProxy } from '../../support/kafka-proxy.ts';

/*
 * Two claims on their way at a time: a real broker, behind a proxy that makes the answer to a claim wait, as Kafka does by
 * its own linger.
 */

let behind: KafkaBehindProxy;
let proxy: KafkaProxy;

beforeAll(async () => {
  behind = await startKafkaBehindProxy();
  ({ proxy } = behind);
});
afterAll(() => behind?.stop());

/** Of the connection for commits, the only one that asks for the first version of ApiVersions. Claims take it when it is answered. */
let proof: 'none' | 'asked' | 'answered';
let published: number;
const pass = (frame: Frame): 'pass' => {
  if (frame.apiKey !== apiKeys.apiVersions) return 'pass';
  if (frame.direction === 'request' && frame.bytes.readInt16BE(2) === 0) proof = 'asked';
  else if (frame.direction === 'answer' && proof === 'asked') proof = 'answered';
  return 'pass';
};

/** Two partitions. */
function scene(): Promise<Scene> {
  proof = 'none';
  published = 20;
  proxy.rule(pass);
  return startScene(behind, 2);
}

/** A key of each of two partitions. */
function keys(): readonly [string, string] {
  const partitionOf = kafkajs.Partitioners.DefaultPartitioner();
  const at1 = { partitionErrorCode: 0, leader: 1, replicas: [1], isr: [1] };
  const partitionMetadata = [0, 1].map((partitionId) => ({ partitionId, ...at1 }));
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
  await act.topic.produce(1, { from: published++, key: () => key });
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
  await eventually('both are delivered', () => act.replica.row()?.delivered === published);
}

test('a claim joins one that waits for its answer, over a connection of its own', async () => {
  await using act = await scene();
  // The first one that wants that connection has it made, and does not wait for it.
  await claimBoth(act, () => eventually('it is asked for', () => proof !== 'none'));
  await eventually('it is proven', () => proof === 'answered');
  const before = published;
  await claimBoth(act, () => eventually('the second is delivered', () => bodies(act) === before + 1));
  expect(act.recorder.distinct()).toBe(published);
  expect(act.replica.row()).toMatchObject({ read: 24, claimed: 24, delivered: 24, unknown: {}, dropped: {} });
  expect(act.troubles()).toEqual([]);
});

test('where that connection cannot be made, claims wait for each other, and nothing is in doubt', async () => {
  await using act = await scene();
  proxy.refuse(true);
  for (let round = 0; round < 3; round++) await claimBoth(act, async () => {});
  expect(act.replica.row()).toMatchObject({ read: 26, claimed: 26, delivered: 26, unknown: {}, dropped: {} });
  expect(act.troubles()).toEqual([]);
});
