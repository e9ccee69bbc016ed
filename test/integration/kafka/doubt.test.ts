import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDelivery } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import {
  type KafkaBehindProxy,
  type Scene,
  startKafkaBehindProxy,
  startScene,
} from '../../support/kafka-behind-proxy.ts';
import { type Frame, isClaim, isCommit, type KafkaProxy, type Verdict } from '../../support/kafka-proxy.ts';
import type { Replica } from '../../support/kafka-subscription.ts';

/*
 * The commit of a claim under a network that loses, delays and breaks: a real broker, behind a proxy that knows an
 * OffsetCommit when it sees one. Publishing goes past the proxy.
 */

let behind: KafkaBehindProxy;
let proxy: KafkaProxy;

beforeAll(async () => {
  behind = await startKafkaBehindProxy();
  ({ proxy } = behind);
});
afterAll(() => behind?.stop());

/** Once: the next claim from now on, or the answer to it, meets that verdict; the promise resolves then. */
function next(direction: Frame['direction'], verdict: Verdict): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isClaimed = false;
  proxy.rule((frame) => {
    isClaimed ||= isClaim(frame);
    if (!isClaimed || frame.direction !== direction || !isCommit(frame)) return 'pass';
    proxy.rule(() => 'pass');
    resolve();
    return verdict;
  });
  return promise;
}

/** It was, at some time. */
const isInDoubt = ({ history }: Replica): boolean =>
  history.some((status) => status.type === 'disconnected' && status.reason === 'CLAIM_IN_DOUBT');

/** One partition. */
const scene = (): Promise<Scene> => startScene(behind, 1);

/** Everything that was published is accounted for, nothing came twice, and what never came is `claim_lost`. */
async function expectAccounted({ topic, recorder, replica }: Scene, events: number): Promise<number> {
  await eventually('all is accounted', () => replica.row()?.read === events && replica.row()?.inFlight === 0, {
    within: 60_000,
  });
  const { missing, ...others } = checkDelivery({ functions: ['f'], bodies: topic.bodies(events) }, recorder.records);
  expect(others).toEqual({ duplicates: [], unexpected: [] });
  const row = replica.row();
  expect(row).toMatchObject({ read: events, claimed: events, delivered: events - missing.length });
  expect(row?.unknown).toEqual({});
  expect(row?.dropped.claim_lost ?? 0).toBe(missing.length);
  return missing.length;
}

test.each<['cut' | 'swallow']>([['cut'], ['swallow']])(
  'applied, and the answer never comes (%s): its events are not called and are counted as claim_lost; then it goes on',
  async (verdict) => {
    await using act = await scene();
    const swallowed = next('answer', verdict);
    await act.topic.produce(10, { from: 20 });
    await swallowed;
    if (verdict === 'swallow') proxy.cut();
    await act.topic.produce(30, { from: 30 });
    expect(await expectAccounted(act, 60)).toBeGreaterThan(0);
    expect(isInDoubt(act.replica)).toBe(true);
  },
);

test('not applied, since the request was lost: its events are read again, and nothing is missing', async () => {
  await using act = await scene();
  const lost = next('request', 'cut');
  await act.topic.produce(10, { from: 20 });
  await lost;
  await act.topic.produce(30, { from: 30 });
  expect(await expectAccounted(act, 60)).toBe(0);
  expect(isInDoubt(act.replica)).toBe(true);
});

test('a commit that reaches the broker when its member is gone rewinds nothing', async () => {
  await using act = await scene();
  const held = next('request', 'hold');
  await act.topic.produce(10, { from: 20 });
  await held;
  proxy.cut('clients');
  await eventually('the doubt is seen', () => isInDoubt(act.replica));
  await act.topic.produce(30, { from: 30 });
  await eventually('all are delivered', () => act.replica.row()?.delivered === 60, { within: 60_000 });
  proxy.release();
  await act.topic.produce(10, { from: 60 });
  expect(await expectAccounted(act, 70)).toBe(0);
});

test('answers that come late, but come, cost time and nothing else', async () => {
  await using act = await scene();
  proxy.rule(async (frame): Promise<Verdict> => {
    if (frame.direction === 'answer' && isCommit(frame)) await new Promise((resolve) => setTimeout(resolve, 50));
    return 'pass';
  });
  await act.topic.produce(40, { from: 20 });
  expect(await expectAccounted(act, 60)).toBe(0);
  expect(act.troubles()).toEqual([]);
});

test('connections that are cut again and again under load: nothing twice, nothing without a count', async () => {
  await using act = await scene();
  for (let round = 0; round < 5; round++) {
    const commit = next(round % 2 === 0 ? 'request' : 'answer', 'cut');
    await act.topic.produce(100, { from: 20 + round * 100 });
    await commit;
    proxy.cut();
  }
  await expectAccounted(act, 520);
});

test('while the broker cannot be heard nothing is called; when the cable is back it goes on', async () => {
  await using act = await scene();
  proxy.freeze(true);
  await act.topic.produce(30, { from: 20 });
  proxy.cut();
  expect(act.recorder.records.length).toBe(20);
  proxy.freeze(false);
  await expectAccounted(act, 50);
});
