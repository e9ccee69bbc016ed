import type { Cancel, Clock } from '../domain/clock.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { Gap } from '../domain/ledger.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { TriggerName } from '../domain/trigger.ts';
import type { FeedEntry, FeedPage } from './page.ts';
import { PageBuilder } from './page.ts';

export const feedOutcomes = ['delivered', 'rejected', 'unknown', 'dropped', 'gap'] as const;

export interface FeedQuery {
  /** Cursor of an earlier page or row: what comes after it. */
  readonly after?: string | undefined;
  /** At most this many copies. Default 100. */
  readonly limit?: number | undefined;
  readonly id?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly trigger?: string | undefined;
  readonly function?: string | undefined;
  readonly outcome?: (typeof feedOutcomes)[number] | undefined;
  /** Recorded at or after this moment: milliseconds since the epoch. */
  readonly since?: number | undefined;
}

const DEFAULT_LIMIT = 100;

/**
 * The last outcomes of copies, in a ring of fixed size that never holds the data of an event. Writing fills a slot that
 * is already there; names, times and groups are made on reading.
 *
 * A cursor is the number of rows ever written before it, behind a mark of this process: a cursor from before a restart
 * reads from the oldest row. Readers hold nothing but their cursor, so a slow one costs nothing; what was overwritten
 * before it came is told as `skipped`.
 */
export class Feed {
  readonly #clock: Clock;
  readonly #slots: FeedEntry[];
  readonly #mark: string;
  readonly #wakeAfter: number;
  readonly #listeners = new Set<{ readonly wake: () => void }>();
  /** Rows ever written: the place of the next one. */
  #written = 0;
  /** Slot of the next row. */
  #index = 0;
  /** Somebody listens and no wake-up is under way. */
  #armed = false;
  #cancelWake: Cancel | undefined;

  /**
   * @param options.capacity rows held
   * @param options.wakeAfter milliseconds in which new rows are gathered before listeners are told
   */
  constructor(options: { clock: Clock; capacity?: number; wakeAfter?: number }) {
    this.#clock = options.clock;
    this.#wakeAfter = options.wakeAfter ?? 50;
    this.#mark = Math.trunc(options.clock.now()).toString(36);
    this.#slots = Array.from({ length: options.capacity ?? 10_000 }, emptySlot);
  }

  /** The outcome of one copy. `late`: another owner has already counted it, so the ledger has not. */
  record(
    trigger: TriggerName,
    event: Pick<Event, 'id' | 'time' | 'coordinates'>,
    functionName: string,
    outcome: Outcome,
    at = this.#clock.now(),
    late = false,
  ): void {
    const slot = this.#take(at);
    if (slot === undefined) return;
    slot.trigger = trigger;
    slot.id = event.id;
    slot.time = event.time;
    slot.coordinates = event.coordinates;
    slot.functionName = functionName;
    slot.outcome = outcome;
    slot.late = late;
    slot.gap = undefined;
  }

  /** A time in which a source lost an unknown number of events. */
  gap(trigger: TriggerName, gap: Gap): void {
    const slot = this.#take(this.#clock.now());
    if (slot === undefined) return;
    slot.trigger = trigger;
    slot.gap = gap;
    slot.coordinates = undefined;
    slot.outcome = undefined;
  }

  /** The place after the newest row. */
  cursor(): string {
    return this.#cursorAt(this.#written);
  }

  /**
   * A page of rows, oldest first: those after the cursor, or since the given time; without either the newest ones.
   * Throws INVALID_ARGUMENT when `after` is not a cursor.
   */
  read(query: FeedQuery = {}): FeedPage {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const { from, skipped } = this.#start(query, limit);
    const page = new PageBuilder();
    let place = from;
    for (; place < this.#written && page.copies < limit; place++) {
      const entry = this.#entry(place);
      if (entry !== undefined && matches(entry, query)) page.add(entry, place);
    }
    return page.finish(place, skipped, (at) => this.#cursorAt(at));
  }

  /** Calls `listener` soon after rows have come, once for all that came in the meantime. It then reads by its cursor. */
  subscribe(listener: () => void): Cancel {
    const entry = { wake: listener };
    this.#listeners.add(entry);
    this.#arm();
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size > 0) return;
      this.#armed = false;
      this.#cancelWake?.();
      this.#cancelWake = undefined;
    };
  }

  #take(at: number): FeedEntry | undefined {
    const slot = this.#slots[this.#index];
    this.#index = this.#index + 1 === this.#slots.length ? 0 : this.#index + 1;
    this.#written++;
    if (slot !== undefined) slot.at = at;
    if (this.#armed) this.#wakeSoon();
    return slot;
  }

  #entry(place: number): FeedEntry | undefined {
    return this.#slots[place % this.#slots.length];
  }

  #start(query: FeedQuery, limit: number): { from: number; skipped: number } {
    const oldest = Math.max(0, this.#written - this.#slots.length);
    if (query.after !== undefined) {
      const place = this.#place(query.after, oldest);
      return { from: Math.max(place, oldest), skipped: Math.max(0, oldest - place) };
    }
    return { from: query.since === undefined ? this.#newest(query, limit, oldest) : oldest, skipped: 0 };
  }

  #newest(query: FeedQuery, limit: number, oldest: number): number {
    let place = this.#written;
    for (let found = 0; place > oldest && found < limit; place--) {
      const entry = this.#entry(place - 1);
      if (entry !== undefined && matches(entry, query)) found++;
    }
    return place;
  }

  #cursorAt(place: number): string {
    return `${this.#mark}-${place}`;
  }

  #place(cursor: string, oldest: number): number {
    const [, mark, place] = /^([0-9a-z]{1,11})-(\d{1,16})$/.exec(cursor) ?? [];
    if (mark === undefined || place === undefined)
      throw new TrigateError(
        'INVALID_ARGUMENT',
        `after must be a cursor from an earlier answer, such as ${this.cursor()}, found ${JSON.stringify(cursor.slice(0, 60))}.`,
      );
    return mark === this.#mark ? Math.min(Number(place), this.#written) : oldest;
  }

  #arm(): void {
    this.#armed = this.#listeners.size > 0 && this.#cancelWake === undefined;
  }

  #wakeSoon(): void {
    this.#armed = false;
    this.#cancelWake = this.#clock.after(this.#wakeAfter, () => {
      this.#cancelWake = undefined;
      this.#arm();
      for (const { wake } of [...this.#listeners]) wake();
    });
  }
}

/** NaN keeps the fields for times in one machine representation from the first write on. */
const emptySlot = (): FeedEntry => ({
  trigger: undefined,
  id: '',
  time: Number.NaN,
  coordinates: undefined,
  functionName: '',
  outcome: undefined,
  late: false,
  gap: undefined,
  at: Number.NaN,
});

function matches(entry: FeedEntry, query: FeedQuery): boolean {
  const { trigger } = entry;
  return (
    trigger !== undefined &&
    (query.id === undefined || (entry.gap === undefined && entry.id === query.id)) &&
    (query.kind === undefined || trigger.kind === query.kind) &&
    (query.namespace === undefined || trigger.namespace === query.namespace) &&
    (query.trigger === undefined || trigger.name === query.trigger) &&
    (query.function === undefined || (entry.gap === undefined && entry.functionName === query.function)) &&
    (query.outcome === undefined || (entry.outcome?.type ?? 'gap') === query.outcome) &&
    (query.since === undefined || entry.at >= query.since)
  );
}
