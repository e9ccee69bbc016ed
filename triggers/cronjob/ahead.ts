import { orderKey } from '../../src/sdk.ts';

/** A claim is made so long before its tick at least: a slow answer of the API server delays nothing. */
const LEAD_MS = 1_000;
/** Time between two writes of one process, when many of its ticks fall on the same second. */
const SPACING_MS = 4;
/** What is claimed is in doubt when the process dies: never for longer than this. */
export const MOST_AHEAD_MS = 10_000;

/**
 * When each trigger of a process writes. Schedules like to be aligned: two thousand triggers of one minute would all write
 * at once, and the last ones would fire seconds late. So claims are spread over the seconds before, and what came of the
 * calls is stored in the seconds behind: the wider the more triggers there are, and by chance, so that processes seldom try
 * the same trigger at the same time.
 */
export class Ahead {
  readonly #leadMs: number;
  #triggers = 0;

  constructor(leadMs = LEAD_MS) {
    this.#leadMs = leadMs;
  }

  /** One more trigger is run; the answer takes it away again. */
  join(): () => void {
    this.#triggers++;
    return () => {
      this.#triggers--;
    };
  }

  /**
   * At most half of the time since the tick before, so that one tick is claimed ahead and no more.
   * @param nonce names the claimer: each has its own moment for each tick
   * @returns milliseconds
   */
  of(tick: number, before: number, nonce: string): number {
    const spread = Math.min(MOST_AHEAD_MS - this.#leadMs, this.#spread);
    return Math.min(this.#leadMs + chance(`${tick}/${nonce}`) * spread, (tick - before) / 2);
  }

  /** Milliseconds from the end of a call to storing it: behind the calls of that second. Never more than ten seconds. */
  behind(nonce: string): number {
    return Math.min(MOST_AHEAD_MS, this.#spread) * (0.25 + 0.75 * chance(nonce));
  }

  get #spread(): number {
    return this.#triggers * SPACING_MS;
  }
}

/** The same for the same text, in [0, 1). */
const chance = (text: string): number => (orderKey(text) >>> 0) / 2 ** 32;
