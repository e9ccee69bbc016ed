import type { SourceCoordinates } from '../domain/event.ts';
import type { Gap } from '../domain/ledger.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type TriggerName, triggerKey } from '../domain/trigger.ts';

/** One slot of the feed's ring: an outcome of a copy, or a gap. */
export interface FeedEntry {
  trigger: TriggerName | undefined;
  id: string;
  time: number;
  coordinates: SourceCoordinates | undefined;
  functionName: string;
  outcome: Outcome | undefined;
  late: boolean;
  gap: Gap | undefined;
  /** When it was recorded: milliseconds since the epoch. */
  at: number;
}

/** What came of the copy for one function. Times are ISO 8601. */
export interface FeedFunction {
  readonly name: string;
  readonly outcome: Outcome['type'];
  readonly reason?: string;
  readonly status?: number;
  /** The first of what a function said that rejected it, where its trigger keeps that. */
  readonly answer?: string;
  /** Milliseconds from the first byte to the answer. */
  readonly ms?: number;
  readonly at: string;
  readonly late?: true;
}

interface RowOfTrigger {
  /** Reading after it gives what comes next. */
  readonly cursor: string;
  readonly time: string;
  readonly kind: string;
  readonly namespace: string;
  readonly trigger: string;
}

/** One event with those of its functions that stand in the page. */
export interface FeedEvent extends RowOfTrigger {
  readonly type: 'event';
  readonly id: string;
  readonly source: SourceCoordinates;
  readonly functions: readonly FeedFunction[];
}

export interface FeedGap extends RowOfTrigger {
  readonly type: 'gap';
  readonly id: null;
  readonly source: null;
  readonly functions: readonly [];
  readonly gap: { readonly from: string; readonly to: string; readonly cause: string };
}

export type FeedRow = FeedEvent | FeedGap;

/** The answer of `GET /v1/events`. */
export interface FeedPage {
  readonly events: readonly FeedRow[];
  readonly next: string;
  /** Rows after the given cursor that are no longer held. */
  readonly skipped: number;
}

type Draft =
  | { type: 'event'; place: number; head: FeedEntry; coordinates: SourceCoordinates; functions: FeedFunction[] }
  | { type: 'gap'; place: number; head: FeedEntry; gap: Gap };

/** Gathers copies into rows: copies of one event that stand in the page become one row, where the first of them stood. */
export class PageBuilder {
  readonly #drafts: Draft[] = [];
  readonly #functions = new Map<string, FeedFunction[]>();
  copies = 0;

  add(entry: FeedEntry, place: number): void {
    this.copies++;
    if (entry.gap !== undefined) {
      this.#drafts.push({ type: 'gap', place, head: entry, gap: entry.gap });
      return;
    }
    if (entry.trigger === undefined || entry.coordinates === undefined || entry.outcome === undefined) return;
    const functions = this.#functionsOf(entry.trigger, entry.id || JSON.stringify(entry.coordinates));
    if (functions.length === 0)
      this.#drafts.push({ type: 'event', place, head: entry, coordinates: entry.coordinates, functions });
    functions.push(functionRow(entry, entry.outcome));
  }

  finish(end: number, skipped: number, cursorAt: (place: number) => string): FeedPage {
    const events = this.#drafts.flatMap((draft, i): FeedRow[] => {
      const { trigger, time, at } = draft.head;
      if (trigger === undefined) return [];
      // A reader who stops after this row must not miss a copy that stands before the next one.
      const cursor = cursorAt(this.#drafts[i + 1]?.place ?? end);
      const name = { kind: trigger.kind, namespace: trigger.namespace, trigger: trigger.name };
      switch (draft.type) {
        case 'event': {
          const { coordinates: source, functions } = draft;
          // Of an event that was only found in a claim, neither id nor time is known.
          const happened = isoTime(draft.head.id === '' ? at : time);
          return [{ type: 'event', cursor, id: draft.head.id, time: happened, ...name, source, functions }];
        }
        case 'gap': {
          const gap = { from: isoTime(draft.gap.from), to: isoTime(draft.gap.to), cause: draft.gap.cause };
          return [{ type: 'gap', cursor, id: null, time: isoTime(at), ...name, source: null, functions: [], gap }];
        }
        default:
          return draft satisfies never;
      }
    });
    return { events, next: cursorAt(end), skipped };
  }

  #functionsOf(trigger: TriggerName, id: string): FeedFunction[] {
    const key = `${triggerKey(trigger)}/${id}`;
    const known = this.#functions.get(key);
    if (known !== undefined) return known;
    const functions: FeedFunction[] = [];
    this.#functions.set(key, functions);
    return functions;
  }
}

function functionRow(entry: FeedEntry, outcome: Outcome): FeedFunction {
  const end = { at: isoTime(entry.at), ...(entry.late ? { late: true as const } : {}) };
  const { functionName: name } = entry;
  switch (outcome.type) {
    case 'delivered':
      return { name, outcome: outcome.type, status: outcome.status, ms: rounded(outcome.ms), ...end };
    case 'rejected': {
      const { type, status, ms, answer } = outcome;
      return { name, outcome: type, status, ...(answer === undefined ? {} : { answer }), ms: rounded(ms), ...end };
    }
    case 'unknown':
      return { name, outcome: outcome.type, reason: outcome.reason, ms: rounded(outcome.ms), ...end };
    case 'dropped':
      return { name, outcome: outcome.type, reason: outcome.reason, ...end };
    default:
      return outcome satisfies never;
  }
}

/** Hundredths of a millisecond. */
export const rounded = (ms: number): number => Math.round(ms * 100) / 100;

const LATEST_DATE = 8.64e15;

/** A broker's timestamp is a producer's word: one that is no date (Date throws on it) shows as the nearest that is. */
function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(Math.trunc(ms) || 0, -LATEST_DATE), LATEST_DATE)).toISOString();
}
