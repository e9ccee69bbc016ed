/** Of triggers that are gone nobody asks any more; so many ends are kept. */
const MOST = 10_000;

/**
 * When subscriptions of core NATS ended in this process, by what they are known by: one that is opened anew, after a fault
 * or because its trigger was changed, has missed what passed meanwhile.
 */
export class Interruptions {
  readonly #ends = new Map<string, number>();

  /** The first end counts, until it goes on. */
  ended(key: string, at: number): void {
    if (this.#ends.has(key)) return;
    this.#ends.set(key, at);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MOST && oldest !== undefined) this.#ends.delete(oldest);
  }

  /** Since when it was interrupted; undefined when it was not. */
  goesOn(key: string): number | undefined {
    const at = this.#ends.get(key);
    this.#ends.delete(key);
    return at;
  }
}
