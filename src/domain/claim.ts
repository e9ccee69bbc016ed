import type { Event } from './event.ts';

declare const claimedBrand: unique symbol;

/**
 * An event whose claim stands durably at its source: it will be tried, once. The dispatcher takes nothing else, so
 * "send without claim" does not compile.
 */
export type Claimed<E extends Event> = E & { readonly [claimedBrand]: true };

/**
 * Says that the claim of these events has been recorded and is ours. Only `triggers/<kind>/claim.ts` may call this, and
 * only after the answer that proves it; a test of the architecture holds that.
 */
export function markClaimed<E extends Event>(events: readonly E[]): readonly Claimed<E>[] {
  return events as readonly Claimed<E>[];
}
