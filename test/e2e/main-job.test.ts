import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sharedKafka, sharedNats } from '../services/shared.ts';
import { checkDelivery, checkLedger } from '../support/checker.ts';
import { commandOf } from '../support/command.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { httpPublisher } from '../support/http-publisher.ts';
import { createTopic } from '../support/kafka.ts';
import { functionAt, triggerFor } from '../support/manifests.ts';
import { createSubject } from '../support/nats.ts';
import { numberedBodies } from '../support/numbered.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';

/** Events of each run; each goes to two functions. */
const COUNT = 10_000;
/** NATS does not wait: no more than this many are on their way. Below the room of a lane. */
const WINDOW = 400;

const selected = ['audit', 'email'] as const;
const shop = { app: 'shop' };

const startFunctions = () => startRecorder([...selected, 'decoy']);
const functionObjects = (recorder: Recorder): object[] => [
  ...selected.map((name) => functionAt(name, recorder.url(name), { ...shop, name })),
  functionAt('decoy', recorder.url('decoy'), { app: 'other' }),
];
const allArrived = (recorder: Recorder, events = COUNT) =>
  recorder.waitFor(`${events} events at two functions`, () => recorder.distinct() >= 2 * events, 100_000);

/** Every (event, function) once, nothing for others, and a ledger that says so. */
async function expectExactlyOnce(gateway: Gateway, recorder: Recorder, kind: string): Promise<void> {
  const findings = checkDelivery({ functions: selected, bodies: numberedBodies(COUNT) }, recorder.records);
  expect(findings).toEqual({ duplicates: [], missing: [], unexpected: [] });
  const ledger = await eventually('all is accounted', async () => {
    const report = await gateway.ledger();
    return report.triggers.every(({ functions }) => functions.every(({ inFlight }) => inFlight === 0)) && report;
  });
  expect(checkLedger(ledger)).toEqual([]);
  const counts = { read: COUNT, filtered: 0, claimed: COUNT, delivered: COUNT, rejected: 0, inFlight: 0 };
  const nothing = { unknown: {}, droppedBeforeClaim: {}, dropped: {} };
  expect(ledger).toMatchObject({
    balanced: true,
    triggers: [
      { kind, name: 'orders', gaps: [], functions: selected.map((name) => ({ name, ...counts, ...nothing })) },
    ],
  });
}

function expectHeaders(recorder: Recorder, topic: string, namespace: string): void {
  const differing = recorder.records.filter(({ method, path, eventId, headers }) => {
    const fixed =
      method === 'POST' &&
      path === '/' &&
      headers['content-type'] === 'application/json' &&
      headers['event-type'] === 'application/json' &&
      headers['event-namespace'] === namespace &&
      headers['event-topic'] === topic &&
      headers['ce-specversion'] === '1.0';
    const own =
      /^[\w-]{15}$/.test(eventId) &&
      headers['ce-id'] === eventId &&
      [headers['event-time'], headers['ce-time'], headers['ce-source'], headers['ce-type']].every(isFilled);
    return !(fixed && own);
  });
  expect(differing.slice(0, 3)).toEqual([]);
}
const isFilled = (header: string | string[] | undefined) => typeof header === 'string' && header !== '';

/** On a source with coordinates an event has one id, whichever function gets it. */
function expectSameIds(recorder: Recorder): void {
  const [first, second] = selected.map((name) =>
    recorder
      .of(name)
      .map(({ eventId, body }) => `${eventId} ${body}`)
      .sort(),
  );
  expect(first).toEqual(second);
}

test(`${COUNT} events of a Kafka topic with four partitions reach two functions once each`, async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers, { partitions: 4 });
  await using recorder = await startFunctions();
  await using gateway = await startGateway({
    manifests: [...functionObjects(recorder), triggerFor('kafka', 'orders', topic.name, shop)],
    env: { KAFKA_BROKERS: brokers.join() },
  });
  await topic.produce(COUNT);
  await allArrived(recorder);
  await expectExactlyOnce(gateway, recorder, 'kafka');
  expectHeaders(recorder, topic.name, 'kafkatriggers.kubeless.io');
  expectSameIds(recorder);
});

test(`${COUNT} events of a NATS subject, paced, reach two functions once each`, async () => {
  const url = await sharedNats();
  await using subject = await createSubject(url);
  await using recorder = await startFunctions();
  await using gateway = await startGateway({
    manifests: [...functionObjects(recorder), triggerFor('nats', 'orders', subject.name, shop)],
    env: { NATS_URL: url },
  });
  await subject.publish(COUNT, { pace: (published) => allArrived(recorder, published - WINDOW) });
  await allArrived(recorder);
  await expectExactlyOnce(gateway, recorder, 'nats');
  expectHeaders(recorder, subject.name, 'natstriggers.kubeless.io');
});

test(`${COUNT} events of the embedded log reach two functions once each`, async () => {
  await using recorder = await startFunctions();
  await using gateway = await startGateway({
    manifests: [...functionObjects(recorder), triggerFor('kafka', 'orders', 'orders', shop)],
  });
  await using publisher = httpPublisher(gateway.url);
  const { stored } = await publisher.publish('orders', numberedBodies(COUNT));
  expect(stored.length).toBe(COUNT);
  await allArrived(recorder);
  await expectExactlyOnce(gateway, recorder, 'kafka');
  expectHeaders(recorder, 'orders', 'kafkatriggers.kubeless.io');
  expectSameIds(recorder);
});

test('the examples run: one published order is handled by a Node.js and by a Python function', async () => {
  await using gateway = await startGateway({ folders: [join(import.meta.dirname, '../../examples')] });
  const published = await commandOf(gateway, ['topic', 'publish', '--topic', 'orders', '--data', '{"order":7}']);
  expect(published).toMatchObject({ code: 0, stderr: expect.stringContaining('Published to topic orders') });
  const ledger = await eventually(
    'both have answered',
    async () => {
      const report = await gateway.ledger();
      const functions = report.triggers.flatMap((trigger) => trigger.functions);
      return functions.filter(({ delivered }) => delivered === 1).length === 2 && report;
    },
    { within: 30_000 },
  );
  expect(checkLedger(ledger)).toEqual([]);
  const output = (name: string) => readFile(join(gateway.dataDir, 'functions', 'default', name, 'output.log'), 'utf8');
  expect(await output('orders-audit')).toContain('orders-audit: order {"order":7} from orders, 1 so far');
  expect(await output('orders-email')).toContain('orders-email: would send an e-mail about order 7');
});
