import type { Progress } from '../domain/kind.ts';
import type { ShownProgress } from '../domain/trigger.ts';

/** How long a figure has to last to be shown. */
const WINDOW_MS = 30_000;

/**
 * What a person sees of progress in a trigger's status. A status is written rarely, so it tells what lasts: the least that
 * was seen in the last half minute, rounded down to one digit. Where events come and go that is 0; where they pile up it is
 * what has waited all that time. The metrics tell the exact figures.
 */
export class LastingProgress {
  #shown: ShownProgress | undefined;
  #since: number | undefined;
  #lag: number | undefined;
  #unsettled = 0;

  /** Undefined until the first half minute has passed. */
  get shown(): ShownProgress | undefined {
    return this.#shown;
  }

  /**
   * @param rebalances since the subscription began
   * @returns whether something else is to be shown now
   */
  look({ parts }: Progress, rebalances: number, now: number): boolean {
    const lag = parts.some((part) => part.lag === undefined) ? undefined : sum(parts.map((part) => part.lag ?? 0));
    const unsettled = sum(parts.map((part) => part.unsettled));
    if (this.#since === undefined) {
      this.#since = now;
      this.#lag = lag;
      this.#unsettled = unsettled;
      return false;
    }
    this.#lag = Math.min(this.#lag ?? Number.POSITIVE_INFINITY, lag ?? Number.POSITIVE_INFINITY);
    this.#unsettled = Math.min(this.#unsettled, unsettled);
    if (now - this.#since < WINDOW_MS) return false;
    this.#since = undefined;
    return this.#show({
      ...(Number.isFinite(this.#lag) ? { lag: oneDigit(this.#lag) } : {}),
      unsettled: oneDigit(this.#unsettled),
      rebalances,
    });
  }

  #show(next: ShownProgress): boolean {
    const before = this.#shown;
    this.#shown = next;
    return before?.lag !== next.lag || before?.unsettled !== next.unsettled || before.rebalances !== next.rebalances;
  }
}

/** 4,321 is 4,000. */
export function oneDigit(count: number): number {
  const unit = 10 ** (String(Math.floor(count)).length - 1);
  return Math.floor(count / unit) * unit;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** Of all subscriptions of a trigger. The lag is left out while that of one is not known. */
export function sumShown(all: readonly (ShownProgress | undefined)[]): ShownProgress | undefined {
  const known = all.filter((each) => each !== undefined);
  if (known.length === 0) return undefined;
  const isLagKnown = known.length === all.length && known.every(({ lag }) => lag !== undefined);
  return {
    ...(isLagKnown ? { lag: oneDigit(sum(known.map(({ lag = 0 }) => lag))) } : {}),
    unsettled: oneDigit(sum(known.map(({ unsettled }) => unsettled))),
    rebalances: sum(known.map(({ rebalances }) => rebalances)),
  };
}
