import type { TriggerSpec } from '../../src/sdk.ts';

/** What the embedded log reads of the spec of the trigger that it serves (KafkaTrigger or NATSTrigger). */
export interface LogTriggerSpec extends TriggerSpec {
  /** A topic, or a NATS subject with wildcards. */
  readonly topic: string;
  /** Only where the group has no position. Default: newest. */
  readonly startFrom?: 'newest' | 'earliest' | undefined;
  /** Hold the position, read nothing. */
  readonly paused?: boolean | undefined;
}

/** What events with one key have in common: the key they were published with (Kafka), or their subject (NATS). */
export type OrderedBy = 'key' | 'subject';
