import type { TriggerSpec } from '../../src/sdk.ts';

/** What the embedded log reads of the spec of the trigger that it serves (KafkaTrigger or NATSTrigger). */
export interface LogTriggerSpec extends TriggerSpec {
  /** A topic, or a NATS subject with wildcards. */
  readonly topic: string;
  /** Only where the group has no position. Default: newest. */
  readonly startFrom?: 'newest' | 'earliest' | undefined;
  /** A function that was not selected for a while goes on where it stopped (default), or at the newest event. */
  readonly onRejoin?: 'resume' | 'newest' | undefined;
  /** Call no function. */
  readonly paused?: boolean | undefined;
  /** Meanwhile: hold the position, and read nothing (default); or count what comes as paused_skip. */
  readonly onPause?: 'hold' | 'skip' | undefined;
}

/** What events with one key have in common: the key they were published with (Kafka), or their subject (NATS). */
export type OrderedBy = 'key' | 'subject';
