import type { Clock, DroppedReason } from '../../src/sdk.ts';
import type { StoredEvent } from './reader.ts';

/** What becomes of the events at the front, in the order of the log: a position cannot step over an undecided one. */
export interface Decision {
  readonly claim: readonly StoredEvent[];
  readonly drop: readonly { readonly event: StoredEvent; readonly reason: DroppedReason }[];
  /** The last event decided on; 0 when there is none. */
  readonly through: number;
}

/** Events that were read and not decided on. */
export interface Hand {
  readonly size: number;
  add(events: readonly StoredEvent[]): void;
  /** Takes from the front: what is to be dropped, and at most `room` events to claim. */
  decide(room: number): Decision;
  /** Puts away events that the log has removed. */
  forget(seqs: ReadonlySet<number>): void;
}

/**
 * @param maxAge since publication, milliseconds; undefined: any age
 * @param isSkipping while it says so, nothing is wanted
 */
export function createHand(maxAge: number | undefined, clock: Clock, isSkipping: () => boolean = () => false): Hand {
  let events: readonly StoredEvent[] = [];

  function unfit(event: StoredEvent): DroppedReason | undefined {
    if (isSkipping()) return 'paused_skip';
    if (event.data === undefined) return 'too_large';
    if (maxAge !== undefined && clock.now() - event.time > maxAge) return 'expired';
    return undefined;
  }

  return {
    get size() {
      return events.length;
    },
    add(more) {
      events = [...events, ...more];
    },
    decide(room) {
      const claim: StoredEvent[] = [];
      const drop: { event: StoredEvent; reason: DroppedReason }[] = [];
      for (const event of events) {
        const reason = unfit(event);
        if (reason !== undefined) drop.push({ event, reason });
        else if (claim.length < room) claim.push(event);
        else break;
      }
      const decided = claim.length + drop.length;
      const through = events[decided - 1]?.seq ?? 0;
      events = events.slice(decided);
      return { claim, drop, through };
    },
    forget(seqs) {
      events = events.filter((event) => !seqs.has(event.seq));
    },
  };
}
