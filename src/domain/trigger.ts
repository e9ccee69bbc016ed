import { z } from 'zod';
import { duration } from './duration.ts';
import type { KubernetesObject } from './resource.ts';

/** `metav1.LabelSelector`. An empty one selects every function of the namespace (Kubeless' contract). */
export const labelSelector = z
  .strictObject({
    matchLabels: z.record(z.string(), z.string()).optional(),
    matchExpressions: z
      .array(
        z.strictObject({
          key: z.string().min(1),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(z.string()).optional(),
        }),
      )
      .optional(),
  })
  .describe('Which functions get the events: those whose labels match. Empty: every function of the namespace.');
export type LabelSelector = z.infer<typeof labelSelector>;

/** How events reach each function; one block for every kind. */
export const delivery = z
  .strictObject({
    concurrency: z.int().min(1).max(4096).default(32).describe('Calls in flight, per function.'),
    order: z.enum(['key', 'partition', 'none']).default('key').describe('What is kept in order within one owner.'),
    timeout: duration
      .optional()
      .describe("From the first byte to the answer. Default: the function's own timeout, else 180s."),
    ttl: duration.default(30_000).describe('From the claim to the first byte; later the event is dropped as expired.'),
    maxAge: duration.optional().describe('Age since publication at which an event is dropped before the claim.'),
    room: z.int().min(1).max(65_536).default(1024).describe('Events claimed and not yet sent, per function.'),
    stall: duration.default(30_000).describe('fanout: shared only. How long a full function may hold up the others.'),
    rate: z.number().positive().optional().describe('Events per second, per function.'),
    keepAnswers: z
      .boolean()
      .default(false)
      .describe('Whether the feed shows the first KiB of an answer that rejects an event, to all who may read it.'),
    maxBytes: z.int().min(1).default(1_048_576).describe('Largest event; a larger one is dropped as too_large.'),
  })
  .prefault({});
export type Delivery = z.infer<typeof delivery>;

export const fanout = z
  .enum(['isolated', 'shared'])
  .default('isolated')
  .describe('isolated: each function has its own position. shared: one position and one claim for all.');
export type Fanout = z.infer<typeof fanout>;

/** What the spec of every trigger that selects functions has. */
export interface TriggerSpec {
  readonly functionSelector: LabelSelector;
  readonly delivery: Delivery;
  readonly fanout: Fanout;
}

/** How far the sources of a trigger are, for display: figures that last, rounded down to one digit. */
export interface ShownProgress {
  /** Events that wait at the broker; left out while it is not known. */
  readonly lag?: number;
  readonly unsettled: number;
  readonly rebalances: number;
}

export interface TriggerStatus {
  observedGeneration?: number;
  conditions?: import('./resource.ts').Condition[];
  functions?: string[];
  counts?: Record<string, number>;
  lastEventTime?: string;
  progress?: ShownProgress;
  /** What kinds remember with a trigger, see `Memory`. */
  memory?: Record<string, unknown>;
  /** Claims of kinds that keep them here, by group, see `StatusStore`. */
  claims?: Record<string, unknown>;
}

export type Trigger = KubernetesObject<unknown, TriggerStatus>;

/** Names a trigger in ledger, feed and logs. */
export interface TriggerName {
  /** The kind's folder and CLI noun: `kafka`. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One text for each trigger: `kafka/default/orders`. */
export const triggerKey = ({ kind, namespace, name }: TriggerName): string => `${kind}/${namespace}/${name}`;
