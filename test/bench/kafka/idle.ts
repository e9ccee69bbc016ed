import { readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startKafka } from '../../services/kafka.ts';
import { startGateway } from '../../support/gateway.ts';
import { createTopic } from '../../support/kafka.ts';
import { startFunction, usageOf } from '../measure.ts';

const SECONDS = 20;

/** What a gateway with many Kafka triggers costs while nothing happens: CPU, memory, connections. */
export async function kafkaIdle(triggers: number): Promise<void> {
  const kafka = await startKafka();
  try {
    await using topic = await createTopic(kafka.brokers, { partitions: 4, name: 'idle' });
    const target = await startFunction('fast');
    const apiVersion = 'kubeless.io/v1beta1';
    const metadata = { name: 'bench', labels: { app: 'bench' } };
    const gateway = await startGateway({
      env: { KAFKA_BROKERS: kafka.brokers.join(',') },
      manifests: [{ apiVersion, kind: 'Function', metadata, spec: { endpoint: target.url } }],
    });
    const before = { ...usageOf(gateway.pid), sockets: await socketsOf(gateway.pid) };
    const objects = Array.from({ length: triggers }, (_, i) => ({
      apiVersion,
      kind: 'KafkaTrigger',
      metadata: { name: `idle-${i}` },
      spec: { topic: topic.name, functionSelector: { matchLabels: { app: 'bench' } } },
    }));
    await writeFile(
      join(gateway.manifestDir, 'triggers.yaml'),
      objects.map((object) => stringify(object)).join('---\n'),
    );
    for (let ready = 0; ready < triggers; ) {
      const { checks } = (await (await fetch(`${gateway.url}/readyz`)).json()) as { checks: { ok: boolean }[] };
      ready = checks.filter(({ ok }) => ok).length - 1;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const start = usageOf(gateway.pid);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    const end = usageOf(gateway.pid);
    const percent = ((end.cpu - start.cpu) / (SECONDS * 1e6)) * 100;
    const mebibytes = (bytes: number) => Math.round(bytes / 1_048_576);
    const sockets = (await socketsOf(gateway.pid)) - before.sockets;
    console.log(`kafka-idle: ${triggers} triggers of 4 partitions, one broker, ${SECONDS} s without events`);
    console.log(
      `  ${percent.toFixed(1)} % of one core, ${sockets} connections more than without them, ` +
        `peak RSS ${mebibytes(before.peakRss)} MiB without and ${mebibytes(end.peakRss)} MiB with them`,
    );
    await gateway.stop();
    target.stop();
  } finally {
    await kafka.stop();
  }
}

/** Sockets that a process has open. */
async function socketsOf(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
}
