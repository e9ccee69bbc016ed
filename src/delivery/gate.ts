import type { Claimed } from '../domain/claim.ts';
import type { Clock, Deadline } from '../domain/clock.ts';
import type { Event } from '../domain/event.ts';
import type { Gate, OnSettled, Passage, Room } from '../domain/kind.ts';
import type { DroppedReason, Outcome } from '../domain/outcome.ts';
import type { OutgoingRequest } from './call/call.ts';
import type { Passed } from './copy.ts';
import type { Lane } from './lane.ts';

/*
 * The gate is all that a source sees of the delivery side, and the one place through which events enter it.
 *
 * A source with events in hand **reserves** room, **claims** durably as many events as it got, and **passes** them on.
 * Reserved room is taken out of the lanes at once, so that what is claimed always fits: passing never waits and never
 * fails. Because the wait comes before the claim, a slow or dead function has nothing claimed for it that nobody can
 * try: its events stay where they are safe, at the source.
 *
 * Room is given first come, first served, and only when it is worth a claim: a claim is a round trip to a broker, and
 * hundreds of events should share it. Shared fan-out: there is as much room as in the fullest lane, leaving out lanes
 * that have been full for `stall`; those lose their copies, counted, until they have room again.
 */

interface Waiter {
  readonly wanted: number;
  readonly resolve: (room: Room) => void;
}

export interface ClosableGate extends Gate {
  /** Nothing is given out any more; claimed events are finished, or given up at the deadline. */
  drain(deadline: Deadline): Promise<void>;
  /** Lanes tell that there may be more room. */
  onRoom(now: number): void;
}

export function createGate(lanes: readonly Lane[], clock: Clock): ClosableGate {
  return new LaneGate(lanes, clock);
}

class LaneGate implements ClosableGate {
  readonly #lanes: readonly Lane[];
  readonly #clock: Clock;
  readonly #waiters: Waiter[] = [];
  #draining = false;
  #cancelStallCheck: (() => void) | undefined;

  constructor(lanes: readonly Lane[], clock: Clock) {
    this.#lanes = lanes;
    this.#clock = clock;
  }

  reserve(wanted: number, until?: Deadline): Promise<Room> {
    const now = this.#clock.monotonic();
    if (this.#draining) return Promise.resolve(noRoom('shutdown'));
    if (wanted <= 0) return Promise.resolve(noRoom('overflow'));
    if (this.#waiters.length === 0) {
      const size = this.#worthwhileRoom(wanted, now);
      if (size > 0) return Promise.resolve(this.#take(size));
    }
    return new Promise((resolve) => this.#wait(wanted, until, now, resolve));
  }

  tryReserve(wanted: number): Room {
    if (this.#draining) return noRoom('shutdown');
    let size = wanted;
    let reason: DroppedReason = this.#lanes[0]?.reason ?? 'overflow';
    let counted = 0;
    for (const lane of this.#lanes) {
      const capacity = lane.hardCapacity(size);
      // Whoever cannot wait goes by the room that there is, and a stall ends where there is any.
      if (this.#lanes.length > 1 && lane.isStalled(this.#clock.monotonic(), capacity)) continue;
      counted++;
      if (capacity >= size) continue;
      size = Math.max(0, capacity);
      reason = lane.reason;
    }
    return counted > 0 && size > 0 ? this.#take(size) : noRoom(reason);
  }

  onRoom(now: number): void {
    if (this.#draining) for (const lane of this.#lanes) lane.tellIfEmpty();
    while (this.#waiters.length > 0) {
      const waiter = this.#waiters[0];
      if (waiter === undefined) return;
      const size = this.#worthwhileRoom(waiter.wanted, now);
      if (size === 0) return;
      this.#waiters.shift();
      waiter.resolve(this.#take(size));
    }
  }

  async drain(deadline: Deadline): Promise<void> {
    this.#draining = true;
    this.#cancelStallCheck?.();
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(noRoom('shutdown'));
    await Promise.all(this.#lanes.map((lane) => lane.drain(deadline)));
  }

  #wait(wanted: number, until: Deadline | undefined, now: number, resolve: (room: Room) => void): void {
    const cancel =
      until === undefined
        ? undefined
        : this.#clock.after(Math.max(0, until - now), () => {
            const at = this.#waiters.indexOf(waiter);
            if (at >= 0) this.#waiters.splice(at, 1);
            resolve(noRoom(this.#lanes[0]?.reason ?? 'overflow'));
          });
    const waiter: Waiter = {
      wanted,
      resolve: (room) => {
        cancel?.();
        resolve(room);
      },
    };
    this.#waiters.push(waiter);
    this.#watchForStalls();
  }

  /** Room of a size that is worth a claim, or 0. */
  #worthwhileRoom(wanted: number, now: number): number {
    let size = wanted;
    let worthwhile = wanted;
    let counted = 0;
    for (const lane of this.#lanes) {
      const room = lane.capacity(now);
      // A stalled lane does not hold up others. Where all are stalled there are no others, and nothing is claimed.
      if (this.#lanes.length > 1 && lane.isStalled(now, room)) continue;
      counted++;
      size = Math.min(size, room);
      worthwhile = Math.min(worthwhile, lane.worthwhile(now));
    }
    return counted > 0 && size >= worthwhile ? size : 0;
  }

  #take(size: number): Room {
    for (const lane of this.#lanes) lane.reserve(size);
    return new LaneRoom(this.#lanes, size, this.#clock, (now) => this.onRoom(now));
  }

  /** A stall ends by time, not by an answer: while somebody waits at a shared gate, look again now and then. */
  #watchForStalls(): void {
    if (this.#lanes.length < 2 || this.#cancelStallCheck !== undefined) return;
    const cancel = this.#clock.after(250, () => {
      this.#cancelStallCheck = undefined;
      const now = this.#clock.monotonic();
      for (const lane of this.#lanes) lane.isStalled(now);
      this.onRoom(now);
      if (this.#waiters.length > 0) this.#watchForStalls();
    });
    this.#cancelStallCheck = () => {
      cancel();
      this.#cancelStallCheck = undefined;
    };
  }
}

class LaneRoom implements Room {
  readonly size: number;
  readonly reason = 'overflow';
  readonly #lanes: readonly Lane[];
  readonly #clock: Clock;
  readonly #onRoom: (now: number) => void;
  #open = true;

  constructor(lanes: readonly Lane[], size: number, clock: Clock, onRoom: (now: number) => void) {
    this.#lanes = lanes;
    this.size = size;
    this.#clock = clock;
    this.#onRoom = onRoom;
  }

  pass(events: readonly Claimed<Event>[], onSettled: OnSettled): Passage {
    if (!this.#open) throw new Error('room can be used once');
    if (events.length > this.size) throw new Error(`${events.length} events were passed into room for ${this.size}`);
    this.#giveBack();
    const now = this.#clock.monotonic();
    const passage = new LanePassage(this.#lanes, events.length);
    for (const event of events) {
      const passed = passage.add(event, onSettled);
      for (const lane of this.#lanes) lane.push(passed, now);
    }
    for (const lane of this.#lanes) lane.pump();
    this.#onRoom(now);
    return passage;
  }

  release(): void {
    if (!this.#open) return;
    this.#giveBack();
    this.#onRoom(this.#clock.monotonic());
  }

  #giveBack(): void {
    this.#open = false;
    for (const lane of this.#lanes) lane.unreserve(this.size);
  }
}

/** Events that were passed together, and how many of their copies each lane still holds. */
class LanePassage implements Passage {
  late = false;
  readonly #lanes: readonly Lane[];
  readonly #held: number[];
  /** Those that may have their outcome at some lanes and not at others. */
  readonly #open = new Set<PassedEvent>();

  constructor(lanes: readonly Lane[], events: number) {
    this.#lanes = lanes;
    // Not `map`, whose arrays are of more than one kind inside the engine: it threw away compiled code for that.
    this.#held = new Array<number>(lanes.length).fill(events);
  }

  /** A new event, of as many copies as there are lanes. */
  add(event: Claimed<Event>, onSettled: OnSettled): PassedEvent {
    const passed = new PassedEvent(event, this.#lanes.length, this, onSettled);
    if (this.#lanes.length > 1) this.#open.add(passed);
    return passed;
  }

  /** All its copies have their outcome. */
  settled(event: PassedEvent): void {
    if (this.#lanes.length > 1) this.#open.delete(event);
  }

  accounted(position: number): void {
    this.#held[position] = (this.#held[position] ?? 0) - 1;
  }

  disown(): void {
    if (this.late) return;
    this.late = true;
    for (const [position, lane] of this.#lanes.entries()) lane.disown(this.#held[position] ?? 0);
    for (const event of this.#open) event.retract(this.#lanes);
  }

  abort(): void {
    for (const lane of this.#lanes) lane.abort(this);
  }
}

/** One event and the outcomes of its copies, until all are there. */
class PassedEvent implements Passed {
  readonly event: Event;
  request: OutgoingRequest | undefined;
  readonly #outcomes: Outcome[];
  readonly passage: LanePassage;
  readonly #onSettled: OnSettled;
  #missing: number;

  constructor(event: Event, copies: number, passage: LanePassage, onSettled: OnSettled) {
    this.passage = passage;
    this.event = event;
    this.#outcomes = new Array(copies);
    this.#missing = copies;
    this.#onSettled = onSettled;
  }

  get late(): boolean {
    return this.passage.late;
  }

  accounted(position: number, outcome: Outcome): void {
    this.passage.accounted(position);
    this.#outcomes[position] = outcome;
    if (--this.#missing > 0) return;
    this.passage.settled(this);
    this.#onSettled(this.event, this.#outcomes);
  }

  /** Whoever owns the event now counts all its copies, also those that have their outcome. */
  retract(lanes: readonly Lane[]): void {
    for (const [position, lane] of lanes.entries()) {
      const outcome = this.#outcomes[position];
      if (outcome !== undefined) lane.retract(outcome);
    }
  }
}

const noRoom = (reason: DroppedReason): Room => ({
  size: 0,
  reason,
  pass(events) {
    if (events.length > 0) throw new Error(`${events.length} events were passed into room for 0`);
    return { disown() {}, abort() {} };
  },
  release() {},
});
