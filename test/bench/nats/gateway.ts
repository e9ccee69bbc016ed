import { startGateway } from '../../support/gateway.ts';
import { functionAt, triggerFor } from '../../support/manifests.ts';

export interface NatsBenchGateway {
  readonly pid: number;
  readonly url: string;
  /** Counts of the trigger's one function. */
  counts(): Promise<{ readonly read: number; readonly delivered: number }>;
  stop(): Promise<void>;
}

/** A gateway on a real server, with one function and one trigger. */
export async function startNatsGateway(server: string, url: string, topic: string, spec: object, caller = 'http1') {
  const gateway = await startGateway({
    env: { NATS_URL: server, TRIGATE_CALLER: caller },
    manifests: [functionAt('bench', url, { app: 'bench' }), triggerFor('nats', 'bench', topic, { app: 'bench' }, spec)],
  });
  const running: NatsBenchGateway = {
    pid: gateway.pid,
    url: gateway.url,
    async counts() {
      const [trigger] = (await gateway.ledger()).triggers;
      const row = trigger?.functions[0];
      return { read: row?.read ?? 0, delivered: row?.delivered ?? 0 };
    },
    stop: () => gateway.stop(),
  };
  return running;
}
