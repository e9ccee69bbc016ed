import type { Event } from '../domain/event.ts';
import {
  type Account,
  addCounts,
  type Counts,
  copyCounts,
  countOutcome,
  type FunctionReport,
  type Gap,
  isBalanced,
  type LedgerReport,
  noCounts,
} from '../domain/ledger.ts';
import type { DroppedReason, Outcome } from '../domain/outcome.ts';
import { type TriggerName, triggerKey } from '../domain/trigger.ts';

/** Hears every outcome as it is counted: feed, log lines, histograms. On the hot path: it must be cheap. */
export interface OutcomeSink {
  outcome(trigger: TriggerName, event: FeedEvent, functionName: string, outcome: Outcome): void;
  /** An outcome that another owner has already counted: it is shown, and counted nowhere. */
  late(trigger: TriggerName, event: FeedEvent, functionName: string, outcome: Outcome): void;
  gap(trigger: TriggerName, gap: Gap): void;
  /** The trigger was deleted: nothing more comes for this function of it. */
  forget(trigger: TriggerName, functionName: string): void;
}
export type FeedEvent = Pick<Event, 'id' | 'time' | 'coordinates'>;

/** The counts of one (trigger, function), and who else wants to know. */
export class Entry {
  readonly functionName: string;
  counts: Counts = noCounts();
  /** What the lane really holds; the balance is checked against it. */
  inFlight: () => number = () => 0;
  readonly #trigger: TriggerName;
  readonly #sink: OutcomeSink;

  constructor(trigger: TriggerName, functionName: string, sink: OutcomeSink) {
    this.#trigger = trigger;
    this.functionName = functionName;
    this.#sink = sink;
  }

  outcome(event: FeedEvent, outcome: Outcome): void {
    countOutcome(this.counts, outcome);
    this.#sink.outcome(this.#trigger, event, this.functionName, outcome);
  }

  /** Another owner counts it. */
  retract(outcome: Outcome): void {
    const counts = noCounts();
    countOutcome(counts, outcome);
    addCounts(this.counts, counts, -1);
  }

  late(event: FeedEvent, outcome: Outcome): void {
    this.#sink.late(this.#trigger, event, this.functionName, outcome);
  }

  droppedBeforeClaim(event: FeedEvent, reason: DroppedReason): void {
    this.counts.droppedBeforeClaim[reason]++;
    this.#sink.outcome(this.#trigger, event, this.functionName, { type: 'dropped', reason });
  }

  report(): FunctionReport {
    const { read, filtered, claimed, delivered, rejected } = this.counts;
    return {
      name: this.functionName,
      read,
      filtered,
      droppedBeforeClaim: occurred(this.counts.droppedBeforeClaim),
      claimed,
      delivered,
      rejected,
      unknown: occurred(this.counts.unknown),
      dropped: occurred(this.counts.dropped),
      inFlight: this.inFlight(),
    };
  }
}

interface TriggerEntries {
  readonly trigger: TriggerName;
  readonly gaps: Gap[];
  readonly functions: Map<string, Entry>;
}

/** Gaps that are kept per trigger; older ones stay in the metrics' count. */
const MAX_GAPS = 100;

/** All counts of this process. An entry lives as long as its trigger, beyond the subscriptions that write to it. */
export class Ledger {
  readonly #triggers = new Map<string, TriggerEntries>();
  readonly #sink: OutcomeSink;

  constructor(sink: OutcomeSink) {
    this.#sink = sink;
  }

  entry(trigger: TriggerName, functionName: string): Entry {
    const { functions } = this.#entries(trigger);
    let entry = functions.get(functionName);
    if (entry === undefined) {
      entry = new Entry(trigger, functionName, this.#sink);
      functions.set(functionName, entry);
    }
    return entry;
  }

  gap(trigger: TriggerName, gap: Gap): void {
    const { gaps } = this.#entries(trigger);
    gaps.push(gap);
    if (gaps.length > MAX_GAPS) gaps.shift();
    this.#sink.gap(trigger, gap);
  }

  /** Forgets a trigger that was deleted. */
  remove(trigger: TriggerName): void {
    for (const name of this.#entries(trigger).functions.keys()) this.#sink.forget(trigger, name);
    this.#triggers.delete(triggerKey(trigger));
  }

  report(): LedgerReport {
    let balanced = true;
    const triggers = [...this.#triggers.values()].map(({ trigger, gaps, functions }) => ({
      kind: trigger.kind,
      namespace: trigger.namespace,
      name: trigger.name,
      gaps: [...gaps],
      functions: [...functions.values()].map((entry) => {
        balanced &&= isBalanced(entry.counts, entry.inFlight());
        return entry.report();
      }),
    }));
    return { balanced, triggers };
  }

  #entries(trigger: TriggerName): TriggerEntries {
    const key = triggerKey(trigger);
    let entries = this.#triggers.get(key);
    if (entries === undefined) {
      entries = { trigger, gaps: [], functions: new Map() };
      this.#triggers.set(key, entries);
    }
    return entries;
  }
}

/** What a source of these entries may write. */
export function accountOf(ledger: Ledger, trigger: TriggerName, entries: readonly Entry[]): Account {
  const byName = new Map(entries.map((entry) => [entry.functionName, entry]));
  const entryOf = (name: string) => byName.get(name) ?? ledger.entry(trigger, name);
  return {
    read(events) {
      for (const entry of entries) entry.counts.read += events;
    },
    filtered(events) {
      for (const entry of entries) entry.counts.filtered += events;
    },
    dropped(event, reason) {
      for (const entry of entries) entry.droppedBeforeClaim(event, reason);
    },
    lost(events, reason) {
      for (const { counts } of entries) {
        counts.read += events;
        counts.droppedBeforeClaim[reason] += events;
      }
    },
    inDoubt: (event, functionName, outcome) => entryOf(functionName).outcome(event, outcome),
    gap: (gap) => ledger.gap(trigger, gap),
    restore(functionName, counts) {
      entryOf(functionName).counts = copyCounts(counts);
    },
    adopt: (functionName, counts) => addCounts(entryOf(functionName).counts, counts, 1),
    release: (functionName, counts) => addCounts(entryOf(functionName).counts, counts, -1),
    counts: (functionName) => entryOf(functionName).counts,
  };
}

const occurred = <K extends string>(byReason: Record<K, number>): Partial<Record<K, number>> =>
  Object.fromEntries(Object.entries<number>(byReason).filter(([, n]) => n > 0)) as Partial<Record<K, number>>;
