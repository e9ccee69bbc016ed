import { adminApi } from '../admin/plugin.ts';
import { createServer } from '../admin/server.ts';
import type { Config, Environment } from '../config/index.ts';
import { delay, systemClock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { LedgerReport } from '../domain/ledger.ts';
import { Feed } from '../telemetry/feed.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { bindClusterKinds } from './cluster-kinds.ts';
import { listen } from './listen.ts';
import { createShow } from './show.ts';
import type { Terminal } from './terminal.ts';
import { untilStopped } from './until-stopped.ts';
import { packageVersion } from './version.ts';

/** It runs no triggers. */
const NO_TRIGGERS: LedgerReport = { balanced: true, triggers: [] };

/**
 * What publishes to the brokers of a cluster for who cannot reach them, from start to stopped. It speaks to no API server:
 * resources are the cluster's, and what became of events its controllers tell.
 *
 * @throws TrigateError INVALID_CONFIG without any broker
 */
export async function runClusterGateway(options: {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly env: Environment;
}): Promise<void> {
  const { config, terminal, env } = options;
  await using resources = new AsyncDisposableStack();
  const { signal } = terminal;
  const clock = systemClock;
  const version = packageVersion();
  const { log } = createShow(terminal, config.logLevel, !env.NO_COLOR, clock);
  const brokers = [...(config.kafka === undefined ? [] : ['kafka']), ...(config.nats === undefined ? [] : ['nats'])];
  if (brokers.length === 0) {
    const text = 'KAFKA_BROKERS or NATS_URL must be set: this gateway has no broker to publish to without them.';
    throw new TrigateError('INVALID_CONFIG', text);
  }
  const bound = bindClusterKinds(brokers, config, log, clock);
  resources.defer(async () => void (await Promise.all(bound.map((kind) => kind.close()))));

  const token = config.token?.reveal();
  const app = createServer({ log, guard: { token, hosts: token === undefined ? [] : ['*'] } });
  // Who keeps a connection finds another pod for the next request while this one still listens.
  app.addHook('onRequest', async (_request, reply) => {
    if (signal.aborted) reply.header('connection', 'close');
  });
  await adminApi(app, {
    clock,
    feed: new Feed({ clock }),
    metrics: createMetrics({
      version,
      ledger: () => NO_TRIGGERS,
      triggers: () => [],
      sources: () => [],
      process: true,
    }),
    ledger: () => NO_TRIGGERS,
    readiness: () => {
      const ready = !signal.aborted;
      return { ready, checks: [{ name: 'gateway', ok: ready, message: ready ? 'runs' : 'is stopping' }] };
    },
    topics: bound.flatMap(({ topics }) => topics ?? []),
    maxEventBytes: config.limits.maxEventBytes,
  });
  const port = await listen(app, config.host, config.port, config.portGiven);
  resources.defer(() => app.close());
  log.info({ version, brokers, host: config.host, port }, 'gateway');
  await untilStopped(signal);
  // Who publishes learns later than the pod that it ends: until then it takes what comes, and is not ready.
  await delay(clock, config.shutdownDelay);
}
