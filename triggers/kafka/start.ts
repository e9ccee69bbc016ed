import type { StoredPosition } from './membership.ts';
import type { KafkaTriggerSpec } from './spec.ts';

/** Where reading a partition begins, and why there. */
export type Start =
  /** At its position. */
  | (StoredPosition & { readonly type: 'stored' })
  /** It had none: at `startFrom`. */
  | (StoredPosition & { readonly type: 'first' })
  /** Its position is gone, and `onOffsetsLost` says where to go on. `lost`: events in between, where it is known. */
  | (StoredPosition & { readonly type: 'moved'; readonly lost: number | undefined; readonly cause: string })
  /** Its position is gone, and nobody has said what to do. */
  | LostPosition;

export interface LostPosition extends StoredPosition {
  readonly type: 'held';
  /** What a person can do. */
  readonly message: string;
}

/**
 * A position that lies outside what the broker has is never reset silently: reading from the start of the topic would send
 * everything twice, reading from its end would lose events without a count.
 */
export function startOf(
  position: StoredPosition,
  end: { readonly low: number; readonly high: number } | undefined,
  { startFrom, onOffsetsLost, topic }: KafkaTriggerSpec,
): Start {
  const { partition, offset } = position;
  if (end === undefined) return { ...position, type: 'stored' };
  if (offset < 0) return { ...position, type: 'first', offset: startFrom === 'earliest' ? end.low : end.high };
  if (offset >= end.low && offset <= end.high) return { ...position, type: 'stored' };
  const cause = `position ${offset} of partition ${partition} is gone: ${topic} has ${end.low} to ${end.high} now`;
  if (onOffsetsLost === 'hold') {
    const message = `${cause}; set spec.onOffsetsLost to newest or earliest to go on`;
    return { ...position, type: 'held', message };
  }
  const target = onOffsetsLost === 'earliest' ? end.low : end.high;
  return { ...position, type: 'moved', offset: target, lost: offset < end.low ? target - offset : undefined, cause };
}
