import type { Claimed } from '../../src/domain/claim.ts';
import type { Event } from '../../src/domain/event.ts';
import type { Gate, Passage, Room } from '../../src/domain/kind.ts';

const passage: Passage = { disown() {}, abort() {} };
const noRoom: Room = { size: 0, reason: 'overflow', pass: () => passage, release: () => {} };

/** A gate that never has room, and says when it was first asked for some. */
export class FullGate implements Gate {
  readonly asked: Promise<void>;
  readonly #onAsked: () => void;
  readonly #waiting = new Set<() => void>();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.asked = promise;
    this.#onAsked = resolve;
  }

  reserve(_wanted: number, until?: number): Promise<Room> {
    this.#onAsked();
    return new Promise((resolve) => {
      const answer = () => {
        clearTimeout(timer);
        this.#waiting.delete(answer);
        resolve(noRoom);
      };
      const timer = until === undefined ? undefined : setTimeout(answer, Math.max(0, until - performance.now()));
      this.#waiting.add(answer);
    });
  }

  tryReserve(): Room {
    this.#onAsked();
    return noRoom;
  }

  /** Answers everybody who still waits. */
  close(): void {
    for (const answer of this.#waiting) answer();
  }
}

/** A gate that loses what is passed into it: for the source it is as if the process died right after the claim. */
export class LosingGate implements Gate {
  readonly lost: Event[] = [];

  async reserve(wanted: number): Promise<Room> {
    return this.tryReserve(wanted);
  }

  tryReserve(size: number): Room {
    const pass = (events: readonly Claimed<Event>[]) => {
      this.lost.push(...events);
      return passage;
    };
    return { size, reason: 'overflow', pass, release: () => {} };
  }
}
