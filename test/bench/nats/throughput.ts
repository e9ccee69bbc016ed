import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type NatsConnection } from 'nats';
import { startNats } from '../../services/nats.ts';
import { type BareCaller, callers } from '../bare-calls.ts';
import { type BenchFunction, type Measured, measureEvents, printMeasured, startFunction } from '../measure.ts';
import { startNatsGateway } from './gateway.ts';

const EVENT_BYTES = 200;
/** Core NATS drops what does not fit, so its publisher stays this far ahead of the function at most. */
const AHEAD = 2_000;
const CHUNK = 200;

const data = new TextEncoder().encode(`{"fill":"${'x'.repeat(EVENT_BYTES - 11)}"}`);

interface Work {
  readonly server: string;
  readonly client: NatsConnection;
  readonly mode: 'core' | 'jetstream';
  readonly events: number;
  readonly caller: BareCaller;
}

/** The gateway beside the bare loop, on core NATS or on JetStream. */
export async function natsThroughput(mode: 'core' | 'jetstream', events: number, rounds: number): Promise<void> {
  const nats = await startNats({ jetstream: true });
  const client = await connect({ servers: nats.url });
  try {
    const results = new Map<BareCaller, Measured[]>(callers.map((caller) => [caller, []]));
    for (let round = 1; round <= rounds; round++)
      for (const [caller, of] of results) {
        const work = { server: nats.url, client, mode, events, caller };
        of.push(await bareLoop(work), await gateway(work));
      }
    printMeasured(`${mode}: ${events} events of ${EVENT_BYTES} bytes`, results);
  } finally {
    await client.close();
    await nats.stop();
  }
}

async function bareLoop(work: Work): Promise<Measured> {
  const target = await startFunction('fast');
  const subject = await fill(work);
  const consumer = work.mode === 'core' ? [] : [await bareConsumer(work, subject)];
  const file = join(import.meta.dirname, 'bare-loop.ts');
  const args = [file, work.server, work.mode, subject, target.url, work.caller, ...consumer];
  const loop = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await createInterface(loop.stdout)[Symbol.asyncIterator]().next();
  loop.stdin.write('\n');
  const result = await measured('bare loop', loop.pid ?? 0, work, subject, target);
  loop.stdin.end();
  target.stop();
  return result;
}

async function gateway(work: Work): Promise<Measured> {
  const target = await startFunction('fast');
  const subject = await fill(work);
  const spec = work.mode === 'core' ? {} : { jetstream: {}, startFrom: 'earliest' };
  const delivery = { concurrency: 64, order: 'none', ...(work.mode === 'core' && { room: 4 * AHEAD }) };
  const running = await startNatsGateway(work.server, target.url, subject, { ...spec, delivery }, work.caller);
  const result = await measured('gateway', running.pid, work, subject, target);
  await running.stop();
  target.stop();
  return result;
}

/** A new subject; for JetStream with a stream in which all events wait already. */
async function fill({ client, mode, events }: Work): Promise<string> {
  const subject = `bench.${randomUUID().slice(0, 8)}`;
  if (mode === 'core') return subject;
  const manager = await client.jetstreamManager();
  const name = subject.replace('.', '-');
  await manager.streams.add({ name, subjects: [subject] });
  for (let sent = 0; sent < events; sent += CHUNK) {
    for (let i = 0; i < Math.min(CHUNK, events - sent); i++) client.publish(subject, data);
    await client.flush();
  }
  while ((await manager.streams.info(name)).state.messages < events) await client.flush();
  return subject;
}

async function bareConsumer({ client }: Work, subject: string): Promise<string> {
  const stream = subject.replace('.', '-');
  const manager = await client.jetstreamManager();
  const policy: object = { ack_policy: 'explicit', deliver_policy: 'all' };
  await manager.consumers.add(stream, { durable_name: 'bare', max_deliver: 1, max_ack_pending: 4_000, ...policy });
  return `${stream}.bare`;
}

/** Until the function has got all events. Those of core NATS are published only now. */
async function measured(
  name: string,
  pid: number,
  work: Work,
  subject: string,
  target: BenchFunction,
): Promise<Measured> {
  const published = work.mode === 'core' ? publishPaced(work, subject, target) : undefined;
  const result = await measureEvents(name, pid, target, work.events);
  await published;
  return result;
}

async function publishPaced({ client, events }: Work, subject: string, target: BenchFunction): Promise<void> {
  for (let sent = 0; sent < events; sent += CHUNK) {
    for (let i = 0; i < Math.min(CHUNK, events - sent); i++) client.publish(subject, data);
    await client.flush();
    if (sent >= AHEAD && sent % (AHEAD / 2) === 0) await target.received(sent - AHEAD);
  }
}
