/*
 * Checked by `tsc`, never run: what is not claimed cannot be passed. Each line that must not compile says so; should it
 * compile one day, the directive itself is the error.
 */
import { type Claimed, markClaimed } from '../../src/domain/claim.ts';
import type { Event } from '../../src/domain/event.ts';
import type { OnSettled, Room } from '../../src/domain/kind.ts';

export function neverRun(room: Room, event: Event, events: readonly Event[], onSettled: OnSettled): void {
  // @ts-expect-error: an event that was only read
  room.pass([event], onSettled);
  // @ts-expect-error: events that were only read
  room.pass(events, onSettled);
  // @ts-expect-error: one that was claimed among one that was not
  room.pass([...markClaimed([event]), event], onSettled);
  // @ts-expect-error: a copy with the brand's place left out
  room.pass([{ ...event }], onSettled);
  // @ts-expect-error: an event does not become claimed by saying so
  const said: Claimed<Event> = event;
  // @ts-expect-error: nor by a flag
  const flagged: Claimed<Event> = { ...event, claimed: true };
  // @ts-expect-error: a pass without a listener would lose the outcomes
  room.pass(markClaimed([event]));

  const claimed: readonly Claimed<Event>[] = markClaimed([event, said, flagged]);
  room.pass(claimed, onSettled);
  // A claimed event is an event, with all that a kind put into it.
  const again: readonly Event[] = claimed;
  room.pass(markClaimed(again), onSettled);
}
