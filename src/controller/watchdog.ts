import type { Cancel, Clock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { PartProgress, Progress, Source } from '../domain/kind.ts';

/** How often it looks, unless a stall is to be seen sooner. */
export const LOOK_EVERY_MS = 5_000;
const LOOKS_PER_STALL = 4;

export interface WatchdogOptions {
  readonly clock: Clock;
  /** Milliseconds that a source may stand still though it has work. */
  readonly stallAfter: number;
  /** Called at each look. */
  readonly onLook: (progress: Progress) => void;
  /** Called when it moves that was stuck. */
  readonly onHeal: () => void;
}

/**
 * Watches the sources of one subscription, one after the other. Clients of brokers fall silent without an error; only that
 * work waits and nothing moves tells of it.
 *
 *   moving    events are claimed, or there are none, or the source waits by intention.
 *   stalled   it lags, nothing holds it, and for `stallAfter` nothing has moved: it fails, and another is opened.
 *   stuck     the next one has stalled too, and nothing had moved in between: opening anew does not help. It goes on
 *             being opened anew, and a person is told. Anything that moves: moving.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  /** In a row, with nothing that moved in between. */
  #stalls = 0;
  #stuck: string | undefined;
  #total = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** What is seen and what to do, while opening anew does not help. */
  get stuck(): string | undefined {
    return this.#stuck;
  }

  /** Stalls since the subscription began. */
  get stalls(): number {
    return this.#total;
  }

  /** Looks at a source from now on. `onStall` is called at most once. */
  watch(source: Source, onStall: (error: TrigateError) => void): Cancel {
    const { clock, stallAfter, onLook } = this.#options;
    let next: Cancel = () => {};
    let movedAt = source.progress?.().movedAt ?? 0;
    /** When it was last seen without work, or held. */
    let freeAt = clock.monotonic();
    const look = () => {
      const progress = source.progress?.();
      if (progress === undefined) return;
      const lagging = progress.parts.filter(lags);
      if (progress.held || lagging.length === 0) freeAt = clock.monotonic();
      if (progress.movedAt > movedAt || isDone(progress)) this.#moved();
      movedAt = Math.max(movedAt, progress.movedAt);
      onLook(progress);
      const stillFor = clock.monotonic() - Math.max(freeAt, movedAt);
      if (lagging.length > 0 && stillFor >= stallAfter) return onStall(this.#stalled(lagging, stillFor));
      next = clock.after(Math.min(LOOK_EVERY_MS, stallAfter / LOOKS_PER_STALL), look);
    };
    look();
    return () => next();
  }

  #moved(): void {
    this.#stalls = 0;
    if (this.#stuck === undefined) return;
    this.#stuck = undefined;
    this.#options.onHeal();
  }

  #stalled(lagging: readonly PartProgress[], ms: number): TrigateError {
    const seen = `${waiting(lagging)}, nothing holds them, and none was claimed for ${Math.round(ms / 1000)} s`;
    this.#total++;
    if (++this.#stalls > 1) {
      this.#stuck = `${seen}, nor after the source was opened anew: look whether the broker is well, and restart this process if it is`;
    }
    return new TrigateError('SOURCE_STALLED', `${seen}: the source is opened anew`);
  }
}

const lags = ({ lag = 0 }: PartProgress): boolean => lag > 0;
const isDone = ({ parts }: Progress): boolean => parts.length > 0 && parts.every(({ lag }) => lag === 0);

/** `12 events wait in orders/3`, `120 events wait in orders/3 and 2 others` */
function waiting(lagging: readonly PartProgress[]): string {
  const [first, ...others] = lagging.toSorted((a, b) => (b.lag ?? 0) - (a.lag ?? 0));
  const events = lagging.reduce((sum, { lag = 0 }) => sum + lag, 0);
  const more = others.length === 0 ? '' : ` and ${others.length} other${others.length === 1 ? '' : 's'}`;
  return `${events} event${events === 1 ? ' waits' : 's wait'} in ${first?.name}${more}`;
}
