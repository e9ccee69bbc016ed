import type { Claimed, Event } from '../../src/sdk.ts';
import { markClaimed } from '../../src/sdk.ts';
import type { LogGroup } from './reader.ts';

/** An event of the log with its sequence number. */
export interface LogEvent extends Event {
  readonly coordinates: { readonly type: 'log'; readonly topic: string; readonly offset: number };
}

/**
 * Claims events, and moves the position to `through`, in one transaction that is on the disk when this resolves.
 * @throws TrigateError CLAIM_IN_DOUBT: then nothing of it may be passed, and the group takes no more claims
 */
export async function claim(
  group: LogGroup,
  events: readonly LogEvent[],
  through: number,
): Promise<readonly Claimed<LogEvent>[]> {
  await group.claim(
    events.map((event) => event.coordinates.offset),
    through,
  );
  return markClaimed(events);
}
