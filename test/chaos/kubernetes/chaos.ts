import { join } from 'node:path';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { inDoubt } from '../../../triggers/kubernetes/books.ts';
import {
  readRecord,
  type WatchCheckpoint,
  type WatchRecord,
  watchCheckpointType,
} from '../../../triggers/kubernetes/checkpoint.ts';
import { kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { resourcesOf } from '../../support/cron-controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type Running, startProcess } from '../../support/process.ts';
import { type RandomInt, seededRandom } from '../../support/random.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type ChaosApi, clusterApi, embeddedApi } from './api.ts';
import { check, type SeenGap } from './check.ts';
import { LABEL, Writers } from './writers.ts';

export interface WatchChaosOptions {
  readonly seed: number;
  readonly api: 'embedded' | 'kubernetes';
  readonly changes: number;
  readonly objects: number;
  readonly kills: number;
  /** API server killed and started again. */
  readonly restarts: number;
  /** The same, with its history forgotten while nobody watches. */
  readonly forgets: number;
}

export interface WatchChaosReport {
  readonly lines: readonly string[];
  readonly problems: readonly string[];
}

const FUNCTIONS = ['all', 'twin', 'changed'] as const;
const PROGRAM = join(import.meta.dirname, 'process.ts');
const WRITERS = 8;
/** Changes that nobody watches before they are forgotten. */
const UNSEEN = 30;
const LONG = { within: 120_000, every: 5 };

/**
 * Writers change objects while the process that watches them is killed, the API server restarted and its history
 * forgotten. Then everything is counted: nothing came twice, and what is missing is named by the ledger or lies in a gap.
 */
export async function watchChaos(options: WatchChaosOptions): Promise<WatchChaosReport> {
  const random = seededRandom(options.seed);
  await using api = options.api === 'embedded' ? await embeddedApi() : await clusterApi();
  await using recorder = await startRecorder(FUNCTIONS);
  const resources = resourcesOf(api.access);
  try {
    return await new Run(options, random, api, recorder, resources).run();
  } finally {
    await resources.close();
  }
}

type Fault = 'kill' | 'restart' | 'forget';

class Run {
  readonly #options: WatchChaosOptions;
  readonly #random: RandomInt;
  readonly #api: ChaosApi;
  readonly #recorder: Recorder;
  readonly #resources: Resources;
  /** By row of the checkpoint. */
  readonly #gaps = new Map<string, SeenGap[]>();
  #controller: Running | undefined;

  constructor(options: WatchChaosOptions, random: RandomInt, api: ChaosApi, recorder: Recorder, resources: Resources) {
    this.#options = options;
    this.#random = random;
    this.#api = api;
    this.#recorder = recorder;
    this.#resources = resources;
  }

  async run(): Promise<WatchChaosReport> {
    const { changes, objects } = this.#options;
    await this.#prepare();
    await this.#start();
    await eventually('the watch is held', async () => (await this.#record())?.members.size === FUNCTIONS.length, {
      within: 60_000,
    });
    const writers = new Writers(this.#resources, this.#random, objects);
    const faults = this.#faults();
    const each = changes / (faults.length + 1);
    for (const [i, fault] of faults.entries()) {
      const writing = writers.write((i + 1) * each, WRITERS);
      await eventually('half of the changes', () => writers.written.length >= (i + 0.5) * each, LONG);
      await this.#make(fault, writers);
      await writing;
    }
    await writers.write(changes, WRITERS);
    await this.#quiet();
    const record = await this.#record();
    await this.#controller?.stop('SIGTERM', 30_000);
    return this.#report(record, writers);
  }

  async #prepare(): Promise<void> {
    for (const name of FUNCTIONS) {
      const labels = { app: name === 'twin' ? 'all' : name };
      await this.#create(
        functionType,
        'Function',
        { name, labels },
        { endpoint: this.#recorder.url(name), handler: 'a.b', runtime: 'none' },
      );
    }
    const common = { resource: { apiVersion: 'v1', kind: 'ConfigMap' }, labelSelector: { matchLabels: LABEL } };
    const calling = (app: string) => ({ ...common, functionSelector: { matchLabels: { app } } });
    await this.#create(kubernetesTriggerType, 'KubernetesTrigger', { name: 'all' }, calling('all'));
    await this.#create(
      kubernetesTriggerType,
      'KubernetesTrigger',
      { name: 'changed' },
      { ...calling('changed'), changed: ['/data/value'] },
    );
  }

  #create(
    type: Parameters<Resources['create']>[0],
    kind: string,
    metadata: { name: string; labels?: Record<string, string> },
    spec: object,
  ) {
    const object = { apiVersion: 'kubeless.io/v1beta1', kind, metadata: { namespace: 'default', ...metadata }, spec };
    return this.#resources.create<KubernetesObject>(type, object);
  }

  async #start(): Promise<void> {
    const args = [PROGRAM, JSON.stringify(this.#api.access), '0'];
    this.#controller = await startProcess(process.execPath, args, { name: 'watch' });
    await this.#controller.line(/^running/, 120_000);
  }

  /** All faults in an order that the seed gives. */
  #faults(): Fault[] {
    const { kills, restarts, forgets } = this.#options;
    const many = (fault: Fault, n: number) => Array.from({ length: n }, () => fault);
    const faults = [...many('kill', kills), ...many('restart', restarts), ...many('forget', forgets)];
    for (let i = faults.length - 1; i > 0; i--) {
      const j = this.#random(0, i);
      const [a, b] = [faults[i], faults[j]];
      if (a !== undefined && b !== undefined) [faults[i], faults[j]] = [b, a];
    }
    return faults;
  }

  async #make(fault: Fault, writers: Writers): Promise<void> {
    switch (fault) {
      case 'kill':
        await this.#kill();
        break;
      case 'restart':
        await this.#api.restart();
        break;
      case 'forget': {
        await this.#controller?.stop('SIGKILL', 0);
        await writers.write(writers.written.length + UNSEEN, WRITERS);
        await this.#api.forget();
        await this.#start();
        break;
      }
      default:
        fault satisfies never;
    }
    const requests = this.#recorder.records.length;
    const goesOn = async () => {
      // One that comes while nobody watches yet may lie in a gap.
      await writers.write(writers.written.length + 1, 1);
      return this.#recorder.records.length > requests;
    };
    await eventually('delivery goes on', goesOn, LONG).catch((error) => {
      throw this.#controller?.story(`after ${fault}: ${error}`) ?? error;
    });
    // One in four faults hits a process that is still busy with what the one before has left.
    if (this.#random(1, 4) > 1) await this.#caughtUp(writers);
    await this.#record();
  }

  /** All that has been written is decided on. */
  async #caughtUp({ written }: Writers): Promise<void> {
    const last = written.at(-1)?.about ?? 0;
    const isDecided = async () => {
      const record = await this.#record();
      const rows = [...(record?.members.values() ?? [])];
      return record !== undefined && rows.every(({ at = record.position }) => Number(at.version) >= last);
    };
    await eventually('all that was written is decided on', isDecided, { ...LONG, every: 50 });
  }

  async #kill(): Promise<void> {
    await this.#controller?.stop('SIGKILL', 0);
    await this.#record();
    await this.#start();
  }

  /** All that was written has been decided on, and has its outcome. */
  async #quiet(): Promise<void> {
    let last = '';
    await eventually(
      'nothing moves any more',
      async () => {
        const record = await this.#record();
        const now = `${this.#recorder.records.length} ${JSON.stringify([...(record?.members ?? [])].map(([, { functions }]) => [...functions.values()]))}`;
        const isSettled =
          record !== undefined &&
          [...record.members.values()].every(
            ({ at, functions }) => at === undefined && [...functions.values()].every((counts) => inDoubt(counts) === 0),
          ) &&
          now === last;
        last = now;
        return isSettled;
      },
      { within: 120_000, every: 2_500 },
    );
  }

  /** As it is stored now; gaps are gathered on the way, because only the last one stays there. */
  async #record(): Promise<WatchRecord | undefined> {
    try {
      const { items } = await this.#resources.list<WatchCheckpoint>(watchCheckpointType, { namespace: 'default' });
      const record = items[0] && readRecord(items[0]);
      for (const [key, { gaps }] of record?.members ?? []) {
        const seen = this.#gaps.get(key) ?? [];
        if (gaps !== undefined && !seen.some(({ cause }) => cause === gaps.last.cause)) seen.push(gaps.last);
        this.#gaps.set(key, seen);
      }
      return record;
    } catch {
      return undefined;
    }
  }

  #report(record: WatchRecord | undefined, { written }: Writers): WatchChaosReport {
    const { seed, api, kills, restarts, forgets } = this.#options;
    const lines = [
      `seed ${seed}, ${api}: ${written.length} changes, ${kills} kills, ${restarts} restarts, ${forgets} histories forgotten`,
    ];
    const problems: string[] = [];
    for (const name of FUNCTIONS) {
      const [key, row] = [...(record?.members ?? [])].find(([, { functions }]) => functions.has(name)) ?? [];
      const counts = row?.functions.get(name);
      if (key === undefined || counts === undefined) {
        problems.push(`${name}: the checkpoint has no row`);
        continue;
      }
      const gaps = this.#gaps.get(key) ?? [];
      const found = check(name, this.#recorder.of(name), written, counts, gaps);
      lines.push(
        `${name}: ${found.received} received, ${found.twice} twice, ${found.missing} missing of ${found.named} named, ${found.inGaps} in ${gaps.length} gaps`,
      );
      problems.push(...found.problems);
      if (kills + restarts + forgets === 0 && found.missing + found.named + found.inGaps > 0)
        problems.push(`${name}: something is missing, and there was no fault`);
    }
    return { lines, problems };
  }
}
