import type { Resources, TriggerKind } from '../../src/sdk.ts';
import { watchCheckpointResource } from './checkpoint.ts';
import { WatchHub } from './hub.ts';
import { defaultLimits, type WatchLimits } from './limits.ts';
import { strictPolicy, type WatchPolicy } from './policy.ts';
import { openKubernetesSource } from './source.ts';
import {
  type KubernetesTriggerSpec,
  kubernetesTriggerColumns,
  kubernetesTriggerSpecOf,
  kubernetesTriggerType,
} from './spec.ts';

export { watchCheckpointResource, watchCheckpointSpec, watchCheckpointType } from './checkpoint.ts';
export type { WatchPolicy } from './policy.ts';
export { kubernetesTriggerColumns, kubernetesTriggerSpec, kubernetesTriggerType } from './spec.ts';

export interface KubernetesKindOptions {
  /** The API server that has the triggers: checkpoints live beside them. Asked when the first trigger opens. */
  readonly home: () => Resources;
  /** The API server whose objects are watched. Default: the same. */
  readonly watched?: () => Resources;
  /** Tells the cluster of the objects from others, where it is not that of the triggers: a position counts in one only. */
  readonly cluster?: () => Promise<string>;
  readonly policy?: WatchPolicy;
  /** Nobody else runs these triggers: whoever held a watch before is dead. */
  readonly alone: boolean;
  /** Milliseconds after which others take a silent holder of a watch for dead. */
  readonly leaseMs?: number;
  readonly limits?: Partial<WatchLimits>;
  readonly random?: () => number;
}

const LEASE_MS = 15_000;
const BACKLOG_BYTES = 64 * 2 ** 20;
const CONTENT_BYTES = 64 * 2 ** 20;

/** Changes of the objects of an API server. The claims live in an object of their own for each shared watch. */
export function createKubernetesKind(options: KubernetesKindOptions): TriggerKind<KubernetesTriggerSpec> {
  const { home, watched = home, policy = strictPolicy, alone, leaseMs = LEASE_MS, random = Math.random } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const hub = new WatchHub({
    home,
    watched,
    cluster: options.cluster ?? (async () => undefined),
    leaseMs: alone ? undefined : leaseMs,
    limits,
    backlogBytes: BACKLOG_BYTES,
    contentBytes: CONTENT_BYTES,
    random,
  });
  return {
    name: 'kubernetes',
    resource: kubernetesTriggerType,
    eventNamespace: 'kubernetestriggers.kubeless.io',
    eventType: 'dev.trigate.kubernetes.changed',
    columns: kubernetesTriggerColumns,
    keeps: [watchCheckpointResource],
    spec: kubernetesTriggerSpecOf(policy),
    guarantee: {
      promise:
        'At most once, on any number of processes: changes are claimed by compare-and-swap of one object for each shared watch before functions are called; what the API server has forgotten is a gap, with its time.',
      crash:
        'Events claimed and not settled are counted as unknown(crash): what the lanes held, and outcomes of the last second.',
      order: 'As the API server tells of changes; with order: key, those of one object follow each other.',
    },
    open: (subscription, context) => openKubernetesSource(subscription, context, hub, policy),
  };
}
