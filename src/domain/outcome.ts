/** Every loss has a name: why an event, or one copy of it, was not sent. The list is closed. */
export const droppedReasons = [
  'overflow',
  'expired',
  'unreachable',
  'too_large',
  'invalid',
  'no_endpoint',
  'shutdown',
  'paused_skip',
  'missed',
  'offsets_lost',
  'claim_lost',
] as const;
export type DroppedReason = (typeof droppedReasons)[number];

/** Why nobody can say whether a function got the event. The list is closed. */
export const unknownReasons = ['timeout', 'reset', 'aborted', 'crash'] as const;
export type UnknownReason = (typeof unknownReasons)[number];

/** What came of one copy. `ms` is from the first byte to the answer, or to the moment of giving up. */
export type Outcome =
  | { readonly type: 'delivered'; readonly status: number; readonly ms: number }
  | { readonly type: 'rejected'; readonly status: number; readonly ms: number }
  | { readonly type: 'unknown'; readonly reason: UnknownReason; readonly ms: number }
  | { readonly type: 'dropped'; readonly reason: DroppedReason };

/** 2xx is delivered; every other answer is the function's word that it did not take the event. */
export function answered(status: number, ms: number): Outcome {
  return status >= 200 && status < 300 ? { type: 'delivered', status, ms } : { type: 'rejected', status, ms };
}
