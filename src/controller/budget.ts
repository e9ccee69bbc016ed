import type { Clock } from '../domain/clock.ts';

/** The least recently used go. */
const MOST_KEYS = 16_384;

/** For each key so many at once, and then one in a certain time. */
export class Budget {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #burst: number;
  readonly #refillMs: number;
  readonly #left = new Map<string, { readonly tokens: number; readonly at: number }>();

  /** @param refillMs after which there is one more, up to `burst` */
  constructor(clock: Pick<Clock, 'monotonic'>, { burst, refillMs }: { burst: number; refillMs: number }) {
    this.#clock = clock;
    this.#burst = burst;
    this.#refillMs = refillMs;
  }

  /** Milliseconds until there is one. */
  wait(key: string): number {
    return Math.max(0, (1 - this.#tokens(key)) * this.#refillMs);
  }

  /** Takes one. False when there is none. */
  take(key: string): boolean {
    const tokens = this.#tokens(key);
    if (tokens < 1) return false;
    this.#left.delete(key);
    this.#left.set(key, { tokens: tokens - 1, at: this.#clock.monotonic() });
    for (const oldest of this.#left.keys()) {
      if (this.#left.size <= MOST_KEYS) break;
      this.#left.delete(oldest);
    }
    return true;
  }

  #tokens(key: string): number {
    const known = this.#left.get(key);
    if (known === undefined) return this.#burst;
    return Math.min(this.#burst, known.tokens + (this.#clock.monotonic() - known.at) / this.#refillMs);
  }
}
