import PQueue from 'p-queue';

/** Lets so many calls start in a second. A lane without a rate has none, and pays nothing. */
export class Pace {
  readonly #queue: PQueue;
  readonly #burst: number;
  #asked = 0;
  #granted = 0;
  readonly #onGrant: () => void;

  /** @param onGrant called when a start that was asked for is due */
  constructor(perSecond: number, onGrant: () => void) {
    // About ten bursts a second are smooth enough and cost little; below ten a second each start stands alone.
    this.#burst = Math.max(1, Math.round(perSecond / 10));
    this.#queue = new PQueue({ intervalCap: this.#burst, interval: (1000 * this.#burst) / perSecond });
    this.#onGrant = onGrant;
  }

  /** Whether a call may start now. If not, one grant is on its way for each of `waiting`. */
  take(waiting: number): boolean {
    if (this.#granted > 0) {
      this.#granted--;
      return true;
    }
    while (this.#asked < waiting) {
      this.#asked++;
      void this.#queue.add(() => {
        this.#asked--;
        // Who asked may have expired: grants that nobody takes do not pile up.
        this.#granted = Math.min(this.#granted + 1, this.#burst);
        this.#onGrant();
      });
    }
    return false;
  }

  close(): void {
    this.#queue.clear();
    this.#queue.pause();
  }
}
