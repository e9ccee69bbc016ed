import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { startNats } from '../../services/nats.ts';
import { startFunction } from '../measure.ts';
import { startNatsGateway } from './gateway.ts';

const WARM_UP_SECONDS = 5;
const TICK_MS = 1;

/** Publishes on core NATS or JetStream at a fixed rate, and prints how long an event takes from `publish` to the function. */
export async function natsLatency(mode: 'core' | 'jetstream', rate: number, seconds: number): Promise<void> {
  const nats = await startNats({ jetstream: true });
  const client = await connect({ servers: nats.url });
  const target = await startFunction('latency');
  try {
    const subject = `bench.${randomUUID().slice(0, 8)}`;
    const manager = await client.jetstreamManager();
    if (mode === 'jetstream') await manager.streams.add({ name: 'latency', subjects: [subject] });
    const spec = mode === 'jetstream' ? { jetstream: {} } : {};
    const gateway = await startNatsGateway(nats.url, target.url, subject, spec);
    const publish = (isTimed: boolean) => client.publish(subject, body(isTimed));
    await atRate(rate, WARM_UP_SECONDS, () => publish(false));
    const sent = await atRate(rate, seconds, () => publish(true));
    const [p50 = '', p99 = '', max = ''] = await target.received(sent);
    console.log(`${mode}-latency: ${rate} events/s for ${seconds} s: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`);
    await gateway.stop();
  } finally {
    target.stop();
    await client.close();
    await nats.stop();
  }
}

async function atRate(rate: number, seconds: number, publish: () => void): Promise<number> {
  const start = performance.now();
  let sent = 0;
  while (sent < rate * seconds) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
    for (; sent < due; sent++) publish();
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  return sent;
}

const body = (isTimed: boolean): string =>
  `{"at":${isTimed ? `"${process.hrtime.bigint()}"` : 'null'},"fill":"${'x'.repeat(150)}"}`;
