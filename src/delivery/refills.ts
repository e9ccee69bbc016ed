import type { Clock } from '../domain/clock.ts';

/** What has slots that became free. */
export interface Refillable {
  refill(): void;
}

/** Calls back when the event loop has seen all that has come. */
export type EndOfTurn = (callback: () => void) => void;

/**
 * Fills the slots of one subscription that became free, once for all answers that the event loop finds in one turn. Requests
 * then leave together: the function is woken once for many of them, and who waits for room is asked once. A slot stays
 * empty until the end of the turn, unless something is passed before.
 */
export class Refills {
  readonly #clock: Clock;
  readonly #endOfTurn: EndOfTurn;
  readonly #onRoom: (now: number) => void;
  #due: Refillable[] = [];

  /** @param onRoom is called when they are filled */
  constructor(clock: Clock, endOfTurn: EndOfTurn, onRoom: (now: number) => void) {
    this.#clock = clock;
    this.#endOfTurn = endOfTurn;
    this.#onRoom = onRoom;
  }

  add(lane: Refillable): void {
    if (this.#due.push(lane) === 1) this.#endOfTurn(() => this.#refill());
  }

  #refill(): void {
    const due = this.#due;
    this.#due = [];
    for (const lane of due) lane.refill();
    this.#onRoom(this.#clock.monotonic());
  }
}
