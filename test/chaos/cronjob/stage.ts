import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { cronJobTriggerType } from '../../../triggers/cronjob/index.ts';
import { type CronRecord, readRecord } from '../../../triggers/cronjob/record.ts';
import { type ApiAccess, resourcesOf } from '../../support/cron-controller.ts';
import { eventually } from '../../support/eventually.ts';
import { type Running, startProcess } from '../../support/process.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const program = fileURLToPath(new URL('process.ts', import.meta.url));

/** How much faster the clocks of the processes run. */
export const FACTOR = 10;
export const EVERY_MS = 5_000;
export const PROCESSES = 3;
const NAMESPACE = 'default';
/** Requests between two faults, for each trigger. */
const CALM = 1;

/** Three processes with the same triggers on one API server, and the function that all of them call. */
export class CronStage implements AsyncDisposable {
  readonly access: ApiAccess;
  readonly resources: Resources;
  readonly recorder: Recorder;
  readonly triggers: readonly string[];
  readonly since = Date.now();
  readonly #folder: TempDir;
  readonly #processes: Running[] = [];
  #started = 0;

  private constructor(access: ApiAccess, recorder: Recorder, folder: TempDir, triggers: number) {
    this.access = access;
    this.resources = resourcesOf(access);
    this.recorder = recorder;
    this.#folder = folder;
    this.triggers = Array.from({ length: triggers }, (_, i) => `t${i}`);
  }

  static async open(access: ApiAccess, triggers: number): Promise<CronStage> {
    const stage = new CronStage(access, await startRecorder(['f']), await tempDir('cron'), triggers);
    const apiVersion = 'kubeless.io/v1beta1';
    await stage.resources.create(functionType, {
      apiVersion,
      kind: 'Function',
      metadata: { name: 'f', namespace: NAMESPACE },
      spec: { endpoint: stage.recorder.url('f') },
    });
    for (const name of stage.triggers) {
      await stage.resources.create(cronJobTriggerType, {
        apiVersion,
        kind: 'CronJobTrigger',
        metadata: { name, namespace: NAMESPACE },
        spec: {
          schedule: `@every ${EVERY_MS}ms`.replace('000ms', 's'),
          'function-name': 'f',
          payload: { name },
          missed: 'all',
        },
      });
    }
    await Promise.all(Array.from({ length: PROCESSES }, (_, at) => stage.start(at)));
    return stage;
  }

  async start(at: number): Promise<void> {
    const file = join(this.#folder.path, `api-${this.#started++}.json`);
    await writeFile(file, JSON.stringify(this.access));
    const args = [program, file, `${this.since}`, `${FACTOR}`];
    const running = await startProcess(process.execPath, args, { name: file });
    this.#processes[at] = running;
    await running.line(/^running/, 60_000);
  }

  process(at: number): Running {
    const found = this.#processes[at];
    if (found === undefined) throw new Error(`there is no process ${at}`);
    return found;
  }

  async kill(at: number): Promise<void> {
    await this.process(at).stop('SIGKILL', 1_000);
    await this.start(at);
  }

  /** Adds to its wall clock; 0: as it was. */
  async setClock(at: number, skew: number): Promise<void> {
    await writeFile(`${this.process(at).name}.skew`, `${skew}`);
    this.process(at).kill('SIGUSR2');
  }

  /** A few more ticks of the triggers have come: delivery goes on. */
  calm(): Promise<void> {
    const wanted = this.recorder.records.length + CALM * this.triggers.length;
    return this.recorder.waitFor(`request ${wanted} comes`, () => this.recorder.records.length >= wanted, 120_000);
  }

  async stopAll(): Promise<void> {
    for (const running of this.#processes) await running.stop('SIGTERM', 30_000);
  }

  /** Of every trigger. */
  records(): Promise<ReadonlyMap<string, CronRecord>> {
    const stored = async () =>
      new Map(await Promise.all(this.triggers.map(async (name) => [name, await this.#record(name)] as const)));
    return eventually('every trigger has been taken over', () => stored().catch(() => false as const), {
      within: 60_000,
    });
  }

  async #record(name: string): Promise<CronRecord> {
    const object = await this.resources.get<KubernetesObject<unknown, { claims?: Record<string, unknown> }>>(
      cronJobTriggerType,
      NAMESPACE,
      name,
    );
    const record = readRecord(object.status?.claims?.f, object.metadata.uid ?? '');
    if (record === undefined) throw new Error(`nothing is stored for ${name}`);
    return record;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#processes) await running.stop('SIGKILL', 0);
    await this.resources.close();
    await this.recorder.close();
    await this.#folder.remove();
  }
}
