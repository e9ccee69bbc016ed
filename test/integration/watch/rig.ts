import { onTestFinished } from 'vitest';
import { servedTypes } from '../../../src/cli/served-types.ts';
import { functionType } from '../../../src/domain/function.ts';
import type { FunctionReport } from '../../../src/domain/ledger.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import type { Trigger } from '../../../src/domain/trigger.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { configMapType } from '../../../src/standalone/api/core-types.ts';
import { type WatchCheckpoint, watchCheckpointType } from '../../../triggers/kubernetes/checkpoint.ts';
import {
  createKubernetesKind,
  type KubernetesKindOptions,
  kubernetesTriggerType,
} from '../../../triggers/kubernetes/index.ts';
import { eventually } from '../../support/eventually.ts';
import { type Recorder, startRecorder } from '../../support/recorder.ts';
import { startResourceApi } from '../../support/resource-api.ts';
import { startWatchController, type WatchController } from '../../support/watch-controller.ts';

export type FunctionName = 'f' | 'g';

/** The embedded API with two functions, and triggers on ConfigMaps. */
export interface WatchRig {
  readonly resources: Resources;
  readonly recorder: Recorder;
  /** A process; it ends with the test. */
  controller(options?: Partial<KubernetesKindOptions>, resources?: Resources): Promise<WatchController>;
  trigger(name: string, spec?: object, labels?: FunctionName): Promise<void>;
  /** Waits until the trigger is ready. */
  ready(name: string): Promise<void>;
  /** Waits until another process holds the watch of its one trigger. */
  standsBy(controller: WatchController): Promise<void>;
  /** Creates or changes a ConfigMap. */
  write(name: string, value: string, labels?: Record<string, string>): Promise<KubernetesObject>;
  remove(name: string): Promise<void>;
  conditionOf(name: string, type: string): Promise<{ status: string; reason: string; message: string } | undefined>;
  checkpoints(): Promise<readonly WatchCheckpoint[]>;
}

export async function startRig(options: { history?: { changes: number; bytes: number } } = {}): Promise<WatchRig> {
  const api = await startResourceApi(servedTypes([createKubernetesKind({ home: never, alone: true })]), options);
  onTestFinished(() => api[Symbol.asyncDispose]());
  const recorder = await startRecorder<FunctionName>(['f', 'g']);
  onTestFinished(() => recorder.close());
  const { resources } = api;
  for (const name of ['f', 'g'] as const) {
    await resources.create<KubernetesObject>(functionType, {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'Function',
      metadata: { name, namespace: 'default', labels: { app: name, all: 'yes' } },
      spec: { endpoint: recorder.url(name) },
    });
  }
  const made = new Set<string>();
  const conditionOf = async (name: string, type: string) => {
    const { status } = await resources.get<Trigger>(kubernetesTriggerType, 'default', name);
    return status?.conditions?.find((condition) => condition.type === type);
  };

  return {
    resources,
    recorder,
    async controller(kind, way = resources) {
      const started = await startWatchController(way, kind);
      onTestFinished(() => started.close());
      return started;
    },
    async trigger(name, spec = {}, labels = 'f') {
      await resources.create<KubernetesObject>(kubernetesTriggerType, {
        apiVersion: 'kubeless.io/v1beta1',
        kind: 'KubernetesTrigger',
        metadata: { name, namespace: 'default' },
        spec: {
          resource: { apiVersion: 'v1', kind: 'ConfigMap' },
          functionSelector: { matchLabels: { app: labels } },
          ...spec,
        },
      });
    },
    async ready(name) {
      await eventually(`${name} is ready`, async () => (await conditionOf(name, 'Ready'))?.status === 'True');
    },
    async standsBy({ controller }) {
      await eventually('it stands by', () => controller.views().some(({ connected }) => connected));
    },
    async write(name, value, labels = {}) {
      const data = { value };
      if (made.has(name)) return resources.patch(configMapType, 'default', name, { metadata: { labels }, data });
      made.add(name);
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels }, data };
      return resources.create<KubernetesObject>(configMapType, object);
    },
    async remove(name) {
      made.delete(name);
      await resources.delete(configMapType, 'default', name);
    },
    conditionOf,
    checkpoints: async () =>
      (await resources.list<WatchCheckpoint>(watchCheckpointType, { namespace: 'default' })).items,
  };
}

const never = (): never => {
  throw new Error('this kind only says what its types are');
};

/** `added a=1`, `modified a=2`: what a function got, with mode object. */
export const got = (recorder: Recorder, name: FunctionName = 'f'): string[] =>
  recorder.of(name).map(({ headers, body }) => {
    const { metadata, data } = JSON.parse(body ?? '{}');
    return `${String(headers['ce-type']).split('.').at(-1)} ${metadata.name}=${data.value}`;
  });

export function rowOf({ delivery }: WatchController, trigger: string, name: FunctionName = 'f'): FunctionReport {
  const found = delivery.report().triggers.find((each) => each.name === trigger);
  const row = found?.functions.find((each) => each.name === name);
  if (row === undefined) throw new Error(`the ledger has no row for ${trigger} → ${name}`);
  return row;
}

export const gapsOf = ({ delivery }: WatchController, trigger: string) =>
  delivery.report().triggers.find((each) => each.name === trigger)?.gaps ?? [];
