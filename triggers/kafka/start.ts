import { z } from '../../src/sdk.ts';
import type { StoredPosition } from './membership.ts';
import type { KafkaTriggerSpec } from './spec.ts';

/** Where reading a partition begins, and why there. */
export type Start =
  /** At its position. */
  | (StoredPosition & { readonly type: 'stored' })
  /** It had none: at `startFrom`; a partition that was added later at its beginning. */
  | (StoredPosition & { readonly type: 'first' })
  /**
   * Its position is gone, and `onOffsetsLost` says where to go on; or the function was away, and `onRejoin` does.
   * `passed`: events in between, where it is known.
   */
  | (StoredPosition & {
      readonly type: 'moved';
      readonly passed: number | undefined;
      readonly reason: 'offsets_lost' | 'paused_skip';
      readonly cause: string;
    })
  /** Its position is gone, and nobody has said what to do. */
  | LostPosition;

export interface LostPosition extends StoredPosition {
  readonly type: 'held';
  /** What a person can do. */
  readonly message: string;
}

/** What is remembered of a group, for the broker forgets the offsets of a group that nobody was in for a week. */
export const groupMemory = z.object({
  /** Of the topic, when the group was made: those that came later start at their beginning. */
  partitions: z.int().min(0),
  /** Those that have had a position. */
  positioned: z.array(z.int().min(0)),
});
export type GroupMemory = z.infer<typeof groupMemory>;

/**
 * A position that is not there any more is never reset silently: reading from the start of the topic would send everything
 * twice, reading from its end would lose events without a count.
 */
export function startOf(
  position: StoredPosition,
  end: { readonly low: number; readonly high: number },
  spec: KafkaTriggerSpec,
  memory: GroupMemory | undefined,
  isJoining = false,
): Start {
  const { partition, offset } = position;
  const { topic, startFrom } = spec;
  const wasThere = memory?.positioned.includes(partition) === true;
  if (isJoining && wasThere && spec.onRejoin === 'newest') {
    const passed = offset >= 0 && offset <= end.high ? end.high - offset : undefined;
    const cause = `the function was away, and goes on at the newest event of partition ${partition} of ${topic}`;
    return { ...position, type: 'moved', offset: end.high, passed, reason: 'paused_skip', cause };
  }
  if (offset >= end.low && offset <= end.high) return { ...position, type: 'stored' };
  if (offset >= 0) {
    const cause = `position ${offset} of partition ${partition} is gone: ${topic} has ${end.low} to ${end.high} now`;
    return moved(position, end, spec, cause);
  }
  if (wasThere) {
    const cause = `the position of partition ${partition} of ${topic} is gone: the broker has forgotten the group's offsets`;
    return moved(position, end, spec, cause);
  }
  const isLater = memory !== undefined && partition >= memory.partitions;
  return { ...position, type: 'first', offset: startFrom === 'earliest' || isLater ? end.low : end.high };
}

function moved(
  position: StoredPosition,
  end: { readonly low: number; readonly high: number },
  { onOffsetsLost }: KafkaTriggerSpec,
  cause: string,
): Start {
  if (onOffsetsLost === 'hold') {
    const message = `${cause}; set spec.onOffsetsLost to newest or earliest to go on`;
    return { ...position, type: 'held', message };
  }
  const target = onOffsetsLost === 'earliest' ? end.low : end.high;
  const { offset } = position;
  const isCounted = offset >= 0 && offset < end.low;
  const passed = isCounted ? target - offset : undefined;
  return { ...position, type: 'moved', offset: target, passed, reason: 'offsets_lost', cause };
}
