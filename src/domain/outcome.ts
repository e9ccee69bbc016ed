/** Every loss has a name: why an event, or one copy of it, was not sent. The list is closed; for how they are written see `storedCounts`. */
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
  /** `answer`: the first of what the function said, where its trigger keeps that. */
  | { readonly type: 'rejected'; readonly status: number; readonly ms: number; readonly answer?: string }
  | { readonly type: 'unknown'; readonly reason: UnknownReason; readonly ms: number }
  | { readonly type: 'dropped'; readonly reason: DroppedReason };

/** Of an answer that rejects an event, where its trigger keeps it. */
export const KEPT_BYTES = 1_024;

export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** 2xx is delivered; every other answer is the function's word that it did not take the event. */
export function answered(status: number, ms: number, body?: Uint8Array): Outcome {
  if (isSuccess(status)) return { type: 'delivered', status, ms };
  if (body === undefined) return { type: 'rejected', status, ms };
  // A character that was cut off is left out.
  const answer = new TextDecoder().decode(body, { stream: body.length === KEPT_BYTES });
  return answer === '' ? { type: 'rejected', status, ms } : { type: 'rejected', status, ms, answer };
}
