import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type JetStreamClient, type NatsConnection } from 'nats';
import { type Nats, startNats } from '../../services/nats.ts';
import { checkDelivery, checkLedger } from '../../support/checker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { numberedBodies } from '../../support/numbered.ts';
import { type RandomInt, seededRandom } from '../../support/random.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { DURABLE, manifests, VOLATILE, WINDOW } from './stage.ts';

/*
 * Faults against the gateway on a real nats-server, with a core and a JetStream trigger under load at once. After each:
 * nothing came twice (I1), a kill left no more in doubt than the window (I3), and delivery went on by itself (I4). In the
 * end the ledger of the JetStream trigger balances to the event (I2): read is what was published.
 */

export interface RandomOptions {
  readonly seed: number;
  readonly faults: number;
}

/** JetStream events of one round. */
const ROUND = 200;

interface World {
  readonly random: RandomInt;
  readonly nats: Nats;
  readonly client: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly gateway: Gateway;
  readonly recorder: Recorder;
  readonly subject: string;
}

type Fault = (world: World) => Promise<void>;

/** Each leaves a gateway that runs. */
const faults: Readonly<Record<string, Fault>> = {
  async 'kill -9'({ gateway }) {
    await gateway.kill('SIGKILL');
    await gateway.restart();
  },
  async 'stop and start'({ gateway }) {
    await gateway.kill('SIGTERM');
    await gateway.restart();
  },
  async 'freeze for a second'({ gateway }) {
    await gateway.kill('SIGSTOP');
    await pause(1_000);
    await gateway.kill('SIGCONT');
  },
  async 'restart the server'({ nats }) {
    await nats.restart();
  },
};

/** Kills are what costs most: three of five faults. */
function chosen(random: RandomInt): string {
  const names = Object.keys(faults);
  return random(1, 5) <= 3 ? 'kill -9' : (names[random(1, names.length - 1)] ?? 'kill -9');
}

/** Prints what happened; false when something came twice, was lost, or does not balance. */
export async function randomFaults({ seed, faults: count }: RandomOptions): Promise<boolean> {
  const random = seededRandom(seed);
  const nats = await startNats({ jetstream: true });
  const client = await connect({ servers: nats.url, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  await using recorder = await startRecorder([...DURABLE, VOLATILE]);
  for (const name of DURABLE) recorder.behave(name, { type: 'answer', status: 200, afterMs: 1 });
  const id = randomUUID().slice(0, 8);
  const subject = `chaos.${id}`;
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: `chaos-${id}`, subjects: [`${subject}.>`] });
  const gateway = await startGateway({ manifests: manifests(recorder, id), env: { NATS_URL: nats.url } });
  try {
    const world: World = { random, nats, client, jetstream: client.jetstream(), gateway, recorder, subject };
    const happened = new Map<string, number>();
    for (let round = 0; round < count; round++) {
      const name = chosen(random);
      happened.set(name, (happened.get(name) ?? 0) + 1);
      await disturb(world, round, name);
    }
    await publish(world, count);
    return await verdict(world, seed, count, happened);
  } finally {
    await gateway.stop();
    await client.close();
    await nats.stop();
  }
}

const bodiesOf = (round: number): string[] => numberedBodies(ROUND, round * ROUND);

/** The message id makes a second try harmless: the stream takes each body once. */
async function publish({ jetstream, client, subject }: World, round: number): Promise<void> {
  for (const [i, body] of bodiesOf(round).entries()) {
    if (!client.isClosed()) client.publish(`live.${subject}`, `live ${body}`);
    await eventually('the stream takes an event', () =>
      jetstream.publish(`${subject}.key-${i % 10}`, body, { msgID: body, timeout: 2_000 }),
    );
  }
}

async function disturb(world: World, round: number, fault: string): Promise<void> {
  const { random, recorder } = world;
  const before = new Map(DURABLE.map((name) => [name, recorder.of(name).length]));
  const publishing = publish(world, round);
  const more = random(1, ROUND / 2);
  const goesOn = () => DURABLE.every((name) => recorder.of(name).length >= (before.get(name) ?? 0) + more);
  await recorder
    .waitFor(`delivery goes on in round ${round}`, goesOn, 60_000)
    .catch((error) => diagnosed(world, error));
  await faults[fault]?.(world);
  await publishing;
}

/** What a person wants to see when delivery has stopped. */
async function diagnosed({ gateway, client }: World, error: Error): Promise<never> {
  console.error(JSON.stringify(await gateway.get('/readyz').catch(String)));
  console.error(JSON.stringify(await gateway.ledger()));
  const manager = await client.jetstreamManager();
  for (const { config } of await manager.streams.list().next())
    for (const consumer of await manager.consumers.list(config.name).next()) console.error(JSON.stringify(consumer));
  console.error(gateway.lines.slice(-50).join('\n'));
  throw error;
}

async function verdict(world: World, seed: number, count: number, happened: Map<string, number>): Promise<boolean> {
  const { gateway, recorder } = world;
  const rows = await eventually('everything is accounted', () => settled(gateway, (count + 1) * ROUND), {
    within: 60_000,
  });
  const published = Array.from({ length: count + 1 }, (_, round) => bodiesOf(round)).flat();
  const durable = recorder.records.filter(({ function: name }) => name !== VOLATILE);
  const findings = checkDelivery({ functions: DURABLE, bodies: published }, durable);
  const live = recorder.of(VOLATILE);
  const problems = [
    ...findings.duplicates,
    ...findings.unexpected,
    ...(new Set(live.map(({ body }) => body)).size === live.length ? [] : ['a live event came twice']),
    ...checkLedger(await gateway.ledger()),
    ...rows.flatMap((row) => doubtProblems(row, recorder, happened.get('kill -9') ?? 0)),
  ];
  console.log(`nats, seed ${seed}: ${[...happened].map(([name, n]) => `${n} x ${name}`).join(', ')}`);
  console.log(
    `  ${published.length} events of JetStream to each of ${DURABLE.join(', ')}; ${live.length} live ones came`,
  );
  for (const { name, read, delivered, unknown, dropped } of rows)
    console.log(`  ${name}: ${JSON.stringify({ read, delivered, unknown, dropped })}`);
  console.log(
    problems.length === 0 ? '  nothing twice, ledger balanced' : problems.map((each) => `  ${each}`).join('\n'),
  );
  return problems.length === 0;
}

type Row = Awaited<ReturnType<Gateway['ledger']>>['triggers'][number]['functions'][number];

async function settled(gateway: Gateway, published: number): Promise<Row[] | false> {
  const { triggers } = await gateway.ledger();
  const rows = triggers.find(({ name }) => name === 'durable')?.functions ?? [];
  const isDone = rows.length === DURABLE.length && rows.every((row) => row.inFlight === 0 && row.read >= published);
  return isDone && rows;
}

/** What no function got is in doubt, and counted; nothing else is. */
function doubtProblems(row: Row, recorder: Recorder, kills: number): string[] {
  const got = recorder.of(row.name).length;
  const inDoubt = (row.unknown.crash ?? 0) + (row.unknown.aborted ?? 0);
  const lost = row.dropped.claim_lost ?? 0;
  const problems: string[] = [];
  if (got < row.delivered || got > row.delivered + inDoubt)
    problems.push(`${row.name} got ${got}, and the ledger says ${row.delivered} and ${inDoubt} in doubt`);
  if (inDoubt > kills * WINDOW) problems.push(`${row.name}: ${inDoubt} in doubt after ${kills} kills`);
  if (row.delivered + inDoubt + lost !== row.read) problems.push(`${row.name}: there are other outcomes`);
  return problems;
}
