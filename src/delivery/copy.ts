import type { Event, OrderKey } from '../domain/event.ts';
import type { Passage } from '../domain/kind.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Answer, Call, CallListener, OutgoingRequest } from './call/call.ts';
import type { Timed } from './deadlines.ts';
import type { Ordered } from './order.ts';

/** Who passed an event on, and hears what came of its copies. */
export interface Passed {
  readonly event: Event;
  /** Another owner has counted it: its outcome is shown, and counted nowhere. */
  readonly late: boolean;
  /** With what it was passed together. */
  readonly passage: Passage;
  /** What the first of its copies was sent as: the others are the same, but for the path. */
  request: OutgoingRequest | undefined;
  accounted(position: number, outcome: Outcome): void;
}

/** What a copy tells its lane. */
export interface CopyLane {
  /** Where the function stands among those of the subscription. */
  readonly position: number;
  firstByte(copy: Copy, now: number): void;
  answered(copy: Copy, answer: Answer, now: number): void;
}

/**
 * One event on its way to one function. It waits, it is called (waiting for a connection, then in flight from the first
 * byte on), it is accounted; from `called` it may go back to waiting only while no byte can have left.
 */
export class Copy implements Ordered, Timed, CallListener {
  behind: Ordered | null = null;
  previousTimed: Timed | null = null;
  nextTimed: Timed | null = null;
  timedIn: object | null = null;
  deadline = 0;

  state: 'waiting' | 'called' | 'inFlight' | 'accounted' = 'waiting';
  call: Call | undefined;
  /** It is not to be called any more. */
  isGivenUp = false;
  /** Where the call goes. */
  address: string | undefined;
  /** Monotonic: when the first byte left. */
  startedAt = 0;
  readonly order: OrderKey;
  readonly passed: Passed;
  readonly lane: CopyLane;

  constructor(passed: Passed, lane: CopyLane) {
    this.passed = passed;
    this.order = passed.event.order;
    this.lane = lane;
  }

  get gone(): boolean {
    return this.state === 'accounted';
  }

  firstByte(now: number): void {
    this.lane.firstByte(this, now);
  }

  answer(answer: Answer, now: number): void {
    this.lane.answered(this, answer, now);
  }
}
