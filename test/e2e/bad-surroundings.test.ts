import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { startNats } from '../services/nats.ts';
import { sharedKafka } from '../services/shared.ts';
import { checkDelivery, checkLedger } from '../support/checker.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { httpPublisher } from '../support/http-publisher.ts';
import { createTopic } from '../support/kafka.ts';
import { functionAt, triggerFor } from '../support/manifests.ts';
import { numberedBodies } from '../support/numbered.ts';
import { freePort } from '../support/port.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';

const conditions = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string(), message: z.string() })),
  }),
});

/** The condition `Ready` of a trigger, once it has the status. */
const ready = (gateway: Gateway, plural: string, status: 'True' | 'False') =>
  eventually(
    `Ready is ${status}`,
    async () => {
      const trigger = await gateway.get(`/apis/kubeless.io/v1beta1/namespaces/default/${plural}/t`);
      const found = conditions.parse(trigger).status.conditions.find(({ type }) => type === 'Ready');
      return found?.status === status && found.reason !== 'Connecting' && found;
    },
    { within: 30_000 },
  );

const manifests = (recorder: Recorder, kind: 'kafka' | 'nats', topic: string): object[] => [
  functionAt('f', recorder.url('f'), { app: 'f' }),
  triggerFor(kind, 't', topic, { app: 'f' }),
];

test('NATS is away at the start: Ready says why, and events flow when it has come', async () => {
  const nats = await startNats();
  try {
    await nats.kill('SIGKILL');
    await using recorder = await startRecorder(['f']);
    await using gateway = await startGateway({
      manifests: manifests(recorder, 'nats', 'late.subject'),
      env: { NATS_URL: nats.url },
      probe: '/livez',
    });
    expect(await ready(gateway, 'natstriggers', 'False')).toMatchObject({
      reason: 'BROKER_UNREACHABLE',
      message: expect.stringContaining('NATS cannot be reached'),
    });
    await nats.restart();
    await ready(gateway, 'natstriggers', 'True');
    await using publisher = httpPublisher(gateway.url, 'nats');
    await publisher.publish('late.subject', numberedBodies(5));
    await recorder.waitFor('its events', ({ records }) => records.length === 5);
  } finally {
    await nats.stop();
  }
});

test('Kafka is away at the start: Ready says why, and events flow when it has come', async () => {
  const brokers = await sharedKafka();
  await using topic = await createTopic(brokers);
  await using recorder = await startRecorder(['f']);
  const port = await freePort();
  await using gateway = await startGateway({
    manifests: manifests(recorder, 'kafka', topic.name),
    env: { KAFKA_BROKERS: `127.0.0.1:${port}` },
    probe: '/livez',
  });
  expect(await ready(gateway, 'kafkatriggers', 'False')).toMatchObject({
    reason: 'BROKER_UNREACHABLE',
    message: expect.stringContaining('Kafka cannot be reached'),
  });
  await using _door = await openDoor(port, brokers[0] ?? '');
  await ready(gateway, 'kafkatriggers', 'True');
  await topic.produce(5);
  await recorder.waitFor('its events', ({ records }) => records.length === 5);
});

/** A port that leads to another address; it tells its clients where the broker really is. */
async function openDoor(port: number, target: string): Promise<AsyncDisposable> {
  const { hostname, port: targetPort } = new URL(`tcp://${target}`);
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(Number(targetPort), hostname);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => sockets.delete(one));
      one.pipe(other);
    }
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

test('a function that is missing, down, hangs, breaks off or answers 500 costs its own lane only', async () => {
  const names = ['well', 'rejects', 'hangs', 'resets', 'down'] as const;
  await using recorder = await startRecorder(names);
  recorder.behave('rejects', { type: 'answer', status: 500 });
  recorder.behave('hangs', { type: 'hang' });
  recorder.behave('resets', { type: 'reset' });
  await recorder.down('down');
  const app = { app: 'all' };
  await using gateway = await startGateway({
    manifests: [
      ...names.map((name) => functionAt(name, recorder.url(name), app, name === 'hangs' ? { timeout: '300ms' } : {})),
      functionAt('missing', 'http://127.0.0.1:1', app),
      triggerFor('kafka', 't', 'orders', app),
    ],
    // What waits for the missing one waits until the end.
    args: ['--shutdown-deadline', '3s'],
  });
  await using publisher = httpPublisher(gateway.url);
  const bodies = numberedBodies(40);
  await publisher.publish('orders', bodies);
  await recorder.waitFor('four of them have been called', ({ of }) =>
    names.slice(0, 4).every((name) => of(name).length === 40),
  );
  await recorder.up('down');
  await recorder.waitFor('the one that was down has its events', ({ of }) => of('down').length === 40);
  expect(
    checkDelivery(
      { functions: names, bodies },
      recorder.records.filter(({ body }) => body !== undefined),
    ),
  ).toMatchObject({ duplicates: [], unexpected: [] });

  const ledger = await eventually('all but the missing one are done', async () => {
    const report = await gateway.ledger();
    const rows = report.triggers.flatMap((trigger) => trigger.functions);
    const done = rows.filter(({ name, claimed, inFlight }) => name !== 'missing' && claimed === 40 && inFlight === 0);
    return done.length === names.length && report;
  });
  expect(checkLedger(ledger)).toEqual([]);
  const byName = Object.fromEntries(ledger.triggers[0]?.functions.map((row) => [row.name, row]) ?? []);
  expect(byName).toMatchObject({
    well: { delivered: 40 },
    rejects: { delivered: 0, rejected: 40 },
    hangs: { delivered: 0, unknown: { timeout: 40 } },
    resets: { delivered: 0, unknown: { reset: 40 } },
    down: { delivered: 40 },
    missing: { delivered: 0, rejected: 0, unknown: {} },
  });
});
