import { beforeAll, expect, test } from 'vitest';
import { sharedKafka } from '../services/shared.ts';
import { checkDelivery, checkLedger } from '../support/checker.ts';
import { eventually } from '../support/eventually.ts';
import type { Recorded } from '../support/function-server.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { httpPublisher, type Sent } from '../support/http-publisher.ts';
import { createTopic } from '../support/kafka.ts';
import { functionAt, triggerFor } from '../support/manifests.ts';
import { numberedBodies } from '../support/numbered.ts';
import { chosenSeed, type RandomInt, seededRandom } from '../support/random.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';

const KILLS = 10;
/** Events of each round; those of the last are not disturbed. */
const ROUND = 1_000;
const functions = ['audit', 'email'] as const;
/** What a kill may cost each function, at most (I3): claimed and not yet answered. */
const delivery = { room: 64, concurrency: 8 };
const WINDOW = delivery.room + delivery.concurrency;
/** Until a killed member has lost its partitions, its successor waits. */
const SESSION = '3s';

let random: RandomInt;
beforeAll(() => {
  random = seededRandom(chosenSeed());
});

async function startFunctions(): Promise<Recorder> {
  const recorder = await startRecorder(functions);
  for (const name of functions) recorder.behave(name, { type: 'answer', status: 200, afterMs: 1 });
  return recorder;
}

const manifests = (recorder: Recorder, topic: string): object[] => [
  ...functions.map((name) => functionAt(name, recorder.url(name), { app: 'shop' })),
  triggerFor('kafka', 'orders', topic, { app: 'shop' }, { delivery }),
];

/** Kills once each function has got something since now, and both together some more. */
async function killUnderLoad(gateway: Gateway, recorder: Recorder): Promise<void> {
  const before = functions.map((name) => recorder.of(name).length);
  const more = recorder.records.length + random(2, ROUND);
  await recorder.waitFor(
    `delivery goes on until request ${more}`,
    () => recorder.records.length >= more && functions.every((name, i) => recorder.of(name).length > (before[i] ?? 0)),
    60_000,
  );
  await gateway.kill('SIGKILL');
}

/** I1 over everything; I3: each kill cost each function no more than its window. */
function expectAtMostOnce(recorder: Recorder, stored: readonly string[], doubtful: readonly string[]): void {
  const findings = checkDelivery({ functions, bodies: [...stored, ...doubtful] }, recorder.records);
  expect(findings).toMatchObject({ duplicates: [], unexpected: [] });
  for (const name of functions) {
    const got = new Set(recorder.of(name).map(({ body }) => body));
    expect(stored.filter((body) => !got.has(body)).length).toBeLessThanOrEqual(KILLS * WINDOW);
  }
}

async function expectAllOf(recorder: Recorder, bodies: readonly string[]): Promise<void> {
  const missing = new Set(functions.flatMap((name) => bodies.map((body) => `${name} ${body}`)));
  let seen = 0;
  // Their headers have come, and maybe never more.
  let bodiless: Recorded[] = [];
  await recorder.waitFor(
    'all events of the last round',
    ({ records }) => {
      const fresh = [...bodiless, ...records.slice(seen)];
      seen = records.length;
      for (const record of fresh) missing.delete(`${record.function} ${record.body}`);
      bodiless = fresh.filter(({ body }) => body === undefined);
      return missing.size === 0;
    },
    60_000,
  );
}

/** I2 to the event, over all lives of the gateway: every event is claimed, and has one outcome. */
async function expectBalance(gateway: Gateway, recorder: Recorder, least: number, most: number): Promise<void> {
  const { ledger, rows } = await eventually('all is accounted', async () => {
    const ledger = await gateway.ledger();
    const rows = ledger.triggers.flatMap((trigger) => trigger.functions);
    return rows.length === functions.length && rows.every(({ inFlight }) => inFlight === 0) && { ledger, rows };
  });
  expect(checkLedger(ledger)).toEqual([]);
  for (const { name, read, claimed, delivered, rejected, unknown, dropped } of rows) {
    const { crash = 0, ...otherUnknown } = unknown;
    const { claim_lost = 0, ...otherDropped } = dropped;
    expect({ claimed, rejected, otherUnknown, otherDropped }).toEqual({
      claimed: read,
      rejected: 0,
      otherUnknown: {},
      otherDropped: {},
    });
    expect(claimed).toBeGreaterThanOrEqual(least);
    expect(claimed).toBeLessThanOrEqual(most);
    const received = recorder.of(name).length;
    expect(received).toBeGreaterThanOrEqual(delivered);
    expect(received).toBeLessThanOrEqual(delivered + crash);
    expect(claimed).toBe(delivered + crash + claim_lost);
  }
}

test('Kafka: the gateway is killed ten times under load; nothing comes twice, and delivery goes on', {
  timeout: 300_000,
}, async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers, { partitions: 4 });
  await using recorder = await startFunctions();
  await using gateway = await startGateway({
    manifests: manifests(recorder, topic.name),
    env: { KAFKA_BROKERS: brokers.join(), TRIGATE_KAFKA_SESSION_TIMEOUT: SESSION },
    readyWithin: 60_000,
  });
  for (let kill = 0; kill < KILLS; kill++) {
    await topic.produce(ROUND, { from: kill * ROUND });
    await killUnderLoad(gateway, recorder);
    await gateway.restart();
  }
  await topic.produce(ROUND, { from: KILLS * ROUND });
  await expectAllOf(recorder, topic.bodies(ROUND, KILLS * ROUND));
  const all = topic.bodies((KILLS + 1) * ROUND);
  expectAtMostOnce(recorder, all, []);
  await expectBalance(gateway, recorder, all.length, all.length);
});

test('embedded log: the same, and the ledger balances to the event across the kills', {
  timeout: 200_000,
}, async () => {
  await using recorder = await startFunctions();
  await using gateway = await startGateway({ manifests: manifests(recorder, 'orders') });
  await using publisher = httpPublisher(gateway.url);
  const sent: Sent[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const publishing = publisher.publish('orders', numberedBodies(ROUND, kill * ROUND));
    await killUnderLoad(gateway, recorder);
    sent.push(await publishing);
    await gateway.restart();
  }
  const last = await publisher.publish('orders', numberedBodies(ROUND, KILLS * ROUND));
  expect(last.stored.length).toBe(ROUND);
  await expectAllOf(recorder, last.stored);
  const stored = [...sent, last].flatMap((each) => each.stored);
  const doubtful = sent.flatMap((each) => each.doubtful);
  expectAtMostOnce(recorder, stored, doubtful);
  await expectBalance(gateway, recorder, stored.length, stored.length + doubtful.length);
});
