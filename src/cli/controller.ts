import { hostname } from 'node:os';
import { adminApi } from '../admin/plugin.ts';
import { createServer } from '../admin/server.ts';
import type { ClusterConfig, Config, Environment } from '../config/index.ts';
import { Controller } from '../controller/controller.ts';
import { Leftovers } from '../controller/leftovers.ts';
import { NoticeWriter } from '../controller/notice-writer.ts';
import { Tallies } from '../controller/tallies.ts';
import { callers } from '../delivery/call/callers.ts';
import { sharedCallers } from '../delivery/call/shared.ts';
import { createDelivery } from '../delivery/delivery.ts';
import { systemClock } from '../domain/clock.ts';
import { addressRules } from '../functions/address-rules.ts';
import { followClusterFunctions } from '../functions/cluster.ts';
import { endpointRules } from '../functions/endpoint-rules.ts';
import { Refusals } from '../functions/refusals.ts';
import { Feed } from '../telemetry/feed.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { TelemetrySink } from '../telemetry/sink.ts';
import { functionsNamespace, openCluster } from './cluster.ts';
import { bindClusterKinds } from './cluster-kinds.ts';
import { listen } from './listen.ts';
import { outcomeSink } from './outcome-sink.ts';
import { controllerReadiness } from './readiness.ts';
import { createShow } from './show.ts';
import type { Terminal } from './terminal.ts';
import { untilStopped } from './until-stopped.ts';
import { packageVersion } from './version.ts';

export interface ControllerProcess {
  /** Names of kinds. */
  readonly kinds: readonly string[];
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly terminal: Terminal;
  readonly env: Environment;
}

/**
 * A controller in a cluster, from start to drained: the triggers of some kinds against the cluster's own API server. Made
 * and closed in the order that a standalone gateway has (`serve`), without what only that one has: objects, log, functions.
 */
export async function runController({
  kinds: names,
  config,
  cluster,
  terminal,
  env,
}: ControllerProcess): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const { signal } = terminal;
  const clock = systemClock;
  const random = Math.random;
  const version = packageVersion();
  const show = createShow(terminal, config.logLevel, !env.NO_COLOR, clock);
  const { log } = show;

  const bound = bindClusterKinds(names, config, log, clock, () => api.resources);
  resources.defer(async () => void (await Promise.all(bound.map((kind) => kind.close()))));
  const kinds = bound.map(({ kind }) => kind);
  const api = await openCluster(cluster);
  resources.defer(() => api.close());

  let controller: Controller | undefined;
  let isRunning = false;
  const readiness = controllerReadiness(clock);
  const feed = new Feed({ clock });
  const metrics = createMetrics({
    version,
    ledger: () => delivery.report(),
    triggers: () => controller?.views() ?? [],
    sources: () => controller?.progress() ?? [],
    process: true,
  });
  const telemetry = new TelemetrySink({ feed, metrics, lines: show.calls, clock });
  const tallies = new Tallies(clock);
  const sink = outcomeSink(telemetry, tallies, (trigger, notice) => controller?.tell(trigger, notice));
  const refusals = new Refusals(addressRules(cluster.podIps, api.reached));
  const createCaller = sharedCallers((origin, connections) =>
    callers(config.caller, { clock, forbids: refusals.rulesOf(origin) })(origin, connections),
  );
  const delivery = createDelivery({ createCaller, sink, userAgent: `trigate/${version}`, clock, random });

  const token = config.token?.reveal();
  const app = createServer({ log, guard: { token, hosts: token === undefined ? [] : ['*'] } });
  await adminApi(app, {
    clock,
    feed,
    metrics,
    ledger: () => delivery.report(),
    readiness: () => readiness(controller?.views() ?? [], isRunning),
    topics: bound.flatMap(({ topics }) => topics ?? []),
    maxEventBytes: config.limits.maxEventBytes,
  });
  const port = await listen(app, config.host, config.port, config.portGiven);
  resources.defer(() => app.close());

  const notices = new NoticeWriter({ resources: api.resources, clock, log, instance: hostname() });
  resources.defer(() => notices.close());
  const namespace = await functionsNamespace(api.resources, cluster, { clock, random, log, signal });
  controller = new Controller({
    kinds,
    resources: api.resources,
    delivery,
    functions: followClusterFunctions(endpointRules(cluster.functionEndpoints), refusals),
    namespace,
    clock,
    random,
    log,
    stallAfter: config.stallAfter,
    tell: (trigger, notice) => notices.tell(trigger, notice),
    tallies,
  });
  const leftovers = new Leftovers({ resources: api.resources, namespace, clock, random, log });
  resources.defer(() => leftovers.close());
  const running = controller;
  resources.defer(() => running.close(clock.monotonic() + config.shutdownDeadline));
  log.info(
    { version, kinds: names, api: api.url, namespace: namespace ?? 'all', host: config.host, port },
    'controller',
  );
  await Promise.race([running.start(), untilStopped(signal)]);
  isRunning = !signal.aborted;

  await untilStopped(signal);
  isRunning = false;
  show.stopping();
  // Whatever still waits for the API server then: who comes next reads what it has stored.
  const cancel = clock.after(config.shutdownDeadline, () => void api.close());
  await resources.disposeAsync();
  cancel();
  show.stopped(delivery.report());
}
