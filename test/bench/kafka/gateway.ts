import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startGateway } from '../../support/gateway.ts';

export interface BenchGateway {
  readonly pid: number;
  /** Applies a KafkaTrigger that selects the function, and starts at the beginning of the topic unless told otherwise. */
  trigger(spec: object): Promise<void>;
  /** Resolves when the trigger is connected. */
  connected(): Promise<void>;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 50;

export interface BenchGatewayOptions {
  /** How many functions the URL is. Default: one. */
  readonly names?: number;
  /** Default: the gateway's own. */
  readonly caller?: string;
}

/** A gateway on real brokers, with one function under one or more names. */
export async function startBenchGateway(
  brokers: readonly string[],
  url: string,
  { names = 1, caller = 'http1' }: BenchGatewayOptions = {},
): Promise<BenchGateway> {
  const apiVersion = 'kubeless.io/v1beta1';
  const gateway = await startGateway({
    env: { KAFKA_BROKERS: brokers.join(','), TRIGATE_CALLER: caller },
    manifests: Array.from({ length: names }, (_, i) => {
      const metadata = { name: `bench-${i}`, labels: { app: 'bench' } };
      return { apiVersion, kind: 'Function', metadata, spec: { endpoint: url } };
    }),
  });
  return {
    get pid() {
      return gateway.pid;
    },
    async trigger(spec) {
      const functionSelector = { matchLabels: { app: 'bench' } };
      const name = `bench-${randomUUID().slice(0, 8)}`;
      const object = {
        apiVersion,
        kind: 'KafkaTrigger',
        metadata: { name },
        spec: { startFrom: 'earliest', functionSelector, ...spec },
      };
      await writeFile(join(gateway.manifestDir, 'trigger.yaml'), stringify(object));
    },
    async connected() {
      for (;;) {
        const answer = await fetch(`${gateway.url}/readyz`);
        const { checks } = (await answer.json()) as { checks: unknown[] };
        if (answer.ok && checks.length > 1) return;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
    stop: () => gateway.stop(),
  };
}
