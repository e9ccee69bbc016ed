import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { noCounts, total } from '../../../src/sdk.ts';
import { readRecord } from '../../../triggers/cronjob/record.ts';
import { type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { type Nats, startNats } from '../../services/nats.ts';
import { checkDelivery } from '../../support/checker.ts';
import { installCrds, kubectlOk } from '../../support/cluster.ts';
import { account, endpointSlice, functionObject, podAddress } from '../../support/cluster-objects.ts';
import { command } from '../../support/command.ts';
import { type ControllerProcess, startController } from '../../support/controller-process.ts';
import { eventually } from '../../support/eventually.ts';
import { createSubject, type TestSubject } from '../../support/nats.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/*
 * A kube-apiserver is killed and stays away, while events come from NATS as before. Two controllers with triggers of NATS,
 * a schedule of one second and a watch go on with what they know: the events are delivered, ticks and changes wait. When it
 * is back, what was changed meanwhile is seen, nothing has come twice, and every tick is in the ledger.
 */

export interface OutageOptions {
  /** For how long it is away. */
  readonly seconds: number;
  /** Events each second. */
  readonly rate?: number;
}

export interface OutageReport {
  readonly lines: readonly string[];
  readonly problems: readonly string[];
}

const NAMESPACE = 'shop';
const TICK_MS = 1_000;
const CHUNKS_PER_SECOND = 10;
const LONG = { within: 120_000, every: 100 };

export async function outageChaos(options: OutageOptions): Promise<boolean> {
  const { lines, problems } = await outage(options);
  for (const line of [...lines, ...problems.map((problem) => `WRONG: ${problem}`)]) console.log(line);
  return problems.length === 0;
}

export async function outage({ seconds, rate = 200 }: OutageOptions): Promise<OutageReport> {
  await using resources = new AsyncDisposableStack();
  const folder = await tempDir('outage');
  resources.defer(() => folder.remove());
  const nats = await startNats();
  resources.defer(() => nats.stop());
  const api = resources.use(await startKubeApi());
  const recorder = resources.use(await startRecorder(['steady', 'late', 'tick', 'change'], podAddress()));
  const subject = resources.use(await createSubject(nats.url));
  await prepare(api, recorder, subject);
  const one = resources.use(await start(api, folder, nats));
  const other = resources.use(await start(api, folder, nats));
  const run = new Run(api, recorder, subject, [one, other], rate);
  return await run.run(seconds);
}

async function prepare(api: KubeApi, recorder: Recorder, subject: TestSubject): Promise<void> {
  await installCrds(api, (await command(['crds'])).stdout);
  await kubectlOk(api, ['create', 'namespace', NAMESPACE]);
  await apply(
    api,
    ...account(NAMESPACE, 'controller', [{ group: '*', resources: ['*'], verbs: ['*'] }]),
    ...functionObjects('steady', 'steady', recorder),
    ...functionObjects('tick', 'tick', recorder),
    ...functionObjects('change', 'change', recorder),
    triggerOf('NATSTrigger', 'steady', { topic: subject.name, functionSelector: { matchLabels: { app: 'steady' } } }),
    triggerOf('CronJobTrigger', 'ticks', { schedule: `@every ${TICK_MS / 1_000}s`, 'function-name': 'tick' }),
    triggerOf('KubernetesTrigger', 'changes', {
      resource: { apiVersion: 'v1', kind: 'ConfigMap' },
      fieldSelector: 'metadata.name=watched',
      functionSelector: { matchLabels: { app: 'change' } },
    }),
  );
}

async function start(api: KubeApi, folder: TempDir, nats: Nats): Promise<ControllerProcess> {
  const token = await kubectlOk(api, ['create', 'token', 'controller', '-n', NAMESPACE]);
  const path = join(folder.path, 'kubeconfig');
  await writeFile(path, kubeconfig(api.url, api.ca, token.trim()));
  const args = ['nats', 'cronjob', 'kubernetes', '--functions-namespace', NAMESPACE];
  return startController(args, { KUBECONFIG: path, NATS_URL: nats.url });
}

const apply = (api: KubeApi, ...items: object[]): Promise<string> =>
  kubectlOk(api, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

const functionObjects = (name: string, app: string, recorder: Recorder): object[] => [
  functionObject(NAMESPACE, name, { app }),
  endpointSlice(NAMESPACE, name, recorder.url(name)),
];

const triggerOf = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'kubeless.io/v1beta1',
  kind,
  metadata: { namespace: NAMESPACE, name },
  spec,
});

class Run {
  readonly #api: KubeApi;
  readonly #recorder: Recorder;
  readonly #subject: TestSubject;
  readonly #controllers: readonly ControllerProcess[];
  readonly #rate: number;
  #published = 0;
  #changes = 0;

  constructor(
    api: KubeApi,
    recorder: Recorder,
    subject: TestSubject,
    controllers: readonly ControllerProcess[],
    rate: number,
  ) {
    this.#api = api;
    this.#recorder = recorder;
    this.#subject = subject;
    this.#controllers = controllers;
    this.#rate = rate;
  }

  async run(seconds: number): Promise<OutageReport> {
    const recorder = this.#recorder;
    await this.#publish(5);
    await this.#reaches('change', () => this.#change());
    await recorder.waitFor('a few ticks', ({ of }) => of('tick').length >= 3);
    const first = await this.#record();

    const from = { published: this.#published, requests: recorder.of('steady').length };
    const goneAt = Date.now();
    await this.#api.down('SIGKILL');
    await this.#publish(seconds);
    const outageMs = Date.now() - goneAt;
    const delivered = recorder.of('steady').length - from.requests;
    const sent = this.#published - from.published;
    const longest = longestPause(
      recorder
        .of('steady')
        .map(({ time }) => time)
        .filter((time) => time >= goneAt),
    );
    const ticksMeanwhile = recorder.of('tick').filter(({ time }) => time > goneAt + 15_000).length;
    const areReady = await Promise.all(this.#controllers.map(({ isReady }) => isReady()));

    await this.#api.up();
    const backAt = Date.now();
    await apply(this.#api, ...functionObjects('late', 'steady', recorder));
    const seenMs = await this.#reaches('late', () => this.#publish(0.1));
    const tickMs = await this.#reaches('tick', () => pause(50));
    const changeMs = await this.#reaches('change', () => this.#change());
    await this.#publish(5);
    await recorder.waitFor('all that was published', ({ of }) => of('steady').length >= this.#published, 60_000);
    await Promise.all(this.#controllers.map((controller) => controller.stop()));
    const last = await this.#record();

    const passed = (last.decidedThrough - first.decidedThrough) / TICK_MS;
    const accounted = readOf(last) - readOf(first);
    const found = checkDelivery(
      { functions: ['steady'], bodies: this.#subject.bodies(this.#published) },
      recorder.of('steady'),
    );
    const problems = [
      ...found.duplicates,
      ...found.missing,
      ...(recorder.distinct() === recorder.records.length ? [] : ['an event id came twice']),
      ...(delivered < sent * 0.9 ? [`only ${delivered} of ${sent} were delivered while it was away`] : []),
      ...(accounted === passed ? [] : [`${passed} ticks passed, and ${accounted} are accounted for`]),
      ...(areReady.every(Boolean) ? [] : ['a controller was not ready any more while it was away']),
    ];
    const { droppedBeforeClaim } = last.counts.tick ?? noCounts();
    return {
      lines: [
        `the API server was away for ${(outageMs / 1_000).toFixed(1)} s: ${sent} events published, ${delivered} delivered meanwhile, longest pause ${longest} ms; ${ticksMeanwhile} ticks fired`,
        `back: a new function got events after ${seenMs} ms, the schedule fired after ${tickMs} ms more, a change arrived after ${changeMs} ms more (${Date.now() - backAt} ms in all)`,
        `${passed} ticks passed: ${accounted} in the ledger, of them ${total(droppedBeforeClaim)} dropped (missed) and ${last.open.length} open; ${recorder.records.length} requests, ${recorder.records.length - recorder.distinct()} twice`,
      ],
      problems,
    };
  }

  async #publish(seconds: number): Promise<void> {
    const count = Math.round(seconds * this.#rate);
    const chunk = Math.max(1, Math.round(this.#rate / CHUNKS_PER_SECOND));
    const from = this.#published;
    this.#published += count;
    await this.#subject.publish(count, { from, chunk, pace: () => pause(1_000 / CHUNKS_PER_SECOND) });
  }

  /** Milliseconds until the function gets another request, while something is done again and again. */
  async #reaches(name: string, work: () => Promise<unknown>): Promise<number> {
    const before = this.#recorder.of(name).length;
    const since = Date.now();
    const isReached = async () => {
      await work();
      return this.#recorder.of(name).length > before;
    };
    await eventually(`${name} is called`, isReached, LONG);
    return Date.now() - since;
  }

  #change(): Promise<string> {
    const metadata = { namespace: NAMESPACE, name: 'watched' };
    return apply(this.#api, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { n: `${this.#changes++}` } });
  }

  async #record() {
    const { metadata, status } = JSON.parse(
      await kubectlOk(this.#api, ['get', '-n', NAMESPACE, 'cjt', 'ticks', '-o', 'json']),
    );
    const record = readRecord(status.claims.tick, metadata.uid);
    if (record === undefined) throw new Error('nothing is stored for the schedule');
    return record;
  }
}

const readOf = ({ counts, open }: { counts: Record<string, ReturnType<typeof noCounts>>; open: readonly unknown[] }) =>
  (counts.tick?.read ?? 0) + open.length;

const longestPause = (times: readonly number[]): number =>
  Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? time)));
