import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { adminApi } from '../admin/plugin.ts';
import { createServer } from '../admin/server.ts';
import type { ClusterConfig, Config, Environment } from '../config/index.ts';
import { readClientConfig } from '../config/index.ts';
import { Controller } from '../controller/controller.ts';
import { anyAddress, callers } from '../delivery/call/callers.ts';
import { sharedCallers } from '../delivery/call/shared.ts';
import { createDelivery } from '../delivery/delivery.ts';
import { systemClock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import { createResources } from '../resources/client.ts';
import { embeddedApi } from '../standalone/api/embedded-api.ts';
import { createObjectStore } from '../standalone/api/object-store.ts';
import { type FunctionRunner, startFunctionRunner } from '../standalone/functions/runner.ts';
import { openTopicLog } from '../standalone/log/topic-log.ts';
import { followManifests } from '../standalone/manifests/follow.ts';
import { workloadRoutes } from '../standalone/workloads/routes.ts';
import { workloadViews } from '../standalone/workloads/views.ts';
import { Feed } from '../telemetry/feed.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { TelemetrySink } from '../telemetry/sink.ts';
import { openCluster } from './cluster.ts';
import { makeDataDir, openIn } from './data-dir.ts';
import { explained } from './explained.ts';
import { bindKinds } from './kinds.ts';
import { listen } from './listen.ts';
import { gatewayReadiness } from './readiness.ts';
import { servedTypes } from './served-types.ts';
import { createShow } from './show.ts';
import type { Terminal } from './terminal.ts';
import { untilStopped } from './until-stopped.ts';
import { packageVersion } from './version.ts';

export interface ServeOptions {
  readonly config: Config;
  /** The cluster that KubernetesTriggers watch. Undefined: the embedded API. */
  readonly watched: ClusterConfig | undefined;
  readonly terminal: Terminal;
  readonly env: Environment;
}

/** What closing what runs beside the triggers may take, after these have been drained. */
const CLOSE_MARGIN_MS = 3_000;

/**
 * A standalone gateway, from start to drained: everything is made here, in the order in which it is needed, and closed in
 * the other. Each resource pushes its release when it is acquired, so that a start that fails half-way leaves nothing.
 */
export async function serve({ config, watched, terminal, env }: ServeOptions): Promise<void> {
  await using resources = new AsyncDisposableStack();
  // From here on Ctrl-C drains, also while starting.
  const { signal } = terminal;
  const clock = systemClock;
  const random = Math.random;
  const version = packageVersion();
  const show = createShow(terminal, config.logLevel, !env.NO_COLOR, clock);
  const { log } = show;

  checkFolders(config.manifests);
  makeDataDir(config.dataDir);
  // The topic log holds the lock of the data directory: it comes first.
  const { maxEventBytes } = config.limits;
  const topicLog = openIn(config.dataDir, 'log.db', (path) => openTopicLog({ path, clock, log, maxEventBytes }));
  resources.defer(() => topicLog.close());
  const objects = openIn(config.dataDir, 'objects.db', openObjects);
  resources.defer(() => objects.close());

  const cluster = watched && (await openCluster(watched));
  resources.defer(async () => cluster?.close());
  const kinds = bindKinds(config, topicLog, log, clock, {
    home: () => self,
    ...(cluster && { watched: () => cluster.resources, cluster: () => cluster.identity() }),
  });
  resources.defer(() => kinds.close());
  const feed = new Feed({ clock });
  const metrics = createMetrics({
    version,
    ledger: () => delivery.report(),
    triggers: () => controller.views(),
    sources: () => controller.progress(),
    process: true,
  });
  const sink = new TelemetrySink({ feed, metrics, lines: show.calls, clock });
  const createCaller = sharedCallers(callers(config.caller, { clock, forbids: anyAddress }));
  const delivery = createDelivery({ createCaller, sink, userAgent: `trigate/${version}`, clock, random });

  const app = createServer({ log, guard: guardOptions(config) });
  const types = explained(servedTypes(kinds.kinds));
  const store = createObjectStore(objects, { clock });
  resources.defer(() => store.close());
  let runner: FunctionRunner | undefined;
  const routes = workloadRoutes({ store, clock, output: (namespace, name) => runner?.output(namespace, name) });
  await app.register(embeddedApi({ store, types, views: workloadViews, routes, clock, log }));
  await adminApi(app, {
    clock,
    feed,
    metrics,
    ledger: () => delivery.report(),
    readiness: () => gatewayReadiness(controller.views(), isReady),
    topics: kinds.topics,
    maxEventBytes: config.limits.maxEventBytes,
  });
  const port = await listen(app, config.host, config.port, config.portGiven);
  resources.defer(() => app.close());

  const self = createResources({ url: selfUrl(config.host, port), headers: authorization(config) });
  resources.defer(() => self.close());
  const controller = new Controller({
    kinds: kinds.kinds,
    resources: self,
    delivery,
    namespace: undefined,
    clock,
    random,
    log,
    stallAfter: config.stallAfter,
  });
  let isReady = false;
  const started = await startFunctionRunner({
    resources: self,
    dataDir: config.dataDir,
    environment: inherited(env),
    log,
    clock,
  });
  runner = started;
  resources.defer(() => started.close(clock.monotonic() + CLOSE_MARGIN_MS));
  resources.defer(() => controller.close(clock.monotonic() + config.shutdownDeadline));
  if (config.manifests.length > 0) {
    const manifests = await followManifests({ dirs: config.manifests, resources: self, types, log, clock });
    resources.defer(() => manifests.close());
  }
  await controller.start();
  isReady = true;
  show.started({
    version,
    url: selfUrl(config.host, port),
    isDefault: isDefaultTarget(env, selfUrl(config.host, port)),
    dataDir: config.dataDir,
    sources: kinds.sources,
    triggers: controller.views(),
    portNote: port === config.port || config.port === 0 ? undefined : `${config.port} is taken; listening on ${port}`,
  });

  await untilStopped(signal);
  isReady = false;
  show.stopping();
  // Whatever still waits for the cluster then: who comes next reads what it has stored.
  const cancel = clock.after(config.shutdownDeadline, () => void cluster?.close());
  await resources.disposeAsync();
  cancel();
  show.stopped(delivery.report());
}

/** What local functions get of our environment: never a broker's credentials or our token. */
function inherited(env: Environment): Record<string, string> {
  const wanted = /^(PATH|HOME|LANG|LC_.*|TZ|TMPDIR|SYSTEMROOT)$/i;
  const entries = Object.entries(env).filter(([name, value]) => wanted.test(name) && value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']));
}

/** @throws TrigateError INVALID_ARGUMENT */
function checkFolders(paths: readonly string[]): void {
  for (const path of paths) {
    if (!existsSync(path)) throw new TrigateError('INVALID_ARGUMENT', `-f ${path}: there is no such file or folder.`);
  }
}

function openObjects(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

function guardOptions(config: Config) {
  const isLoopback = config.token === undefined;
  return { token: config.token?.reveal(), hosts: isLoopback ? [] : ['*'] };
}

function authorization(config: Config): Record<string, string> {
  return config.token === undefined ? {} : { authorization: `Bearer ${config.token.reveal()}` };
}

/** How this process reaches its own API. */
function selfUrl(host: string, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function isDefaultTarget(env: Environment, url: string): boolean {
  try {
    const { target } = readClientConfig(env);
    return target.type === 'gateway' && target.url === url;
  } catch {
    return false;
  }
}
