import type { Clock } from '../domain/clock.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type TriggerName, type TriggerStatus, triggerKey } from '../domain/trigger.ts';

/** What became of copies since it was last written down. */
export interface Tally {
  readonly counts: Readonly<Record<Outcome['type'], number>>;
  /** Wall clock, of the last one. */
  readonly lastEventTime: number;
}

interface Running {
  counts: Record<Outcome['type'], number>;
  lastEventTime: number;
  isPending: boolean;
}

/**
 * What became of copies, for display in the status of triggers. Each replica adds what it has seen to what is stored, so
 * that no replica has to know of the others. A process that dies takes the last half minute along, and a write whose
 * answer is lost may count twice: the ledger is the account.
 */
export class Tallies {
  /** Called when there is something to write down for a trigger where there was nothing. */
  onPending: (trigger: TriggerName) => void = () => {};
  readonly #clock: Clock;
  readonly #byName = new Map<string, Running>();
  /** On the hot path no string is built. */
  readonly #byTrigger = new WeakMap<TriggerName, Running>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  outcome(trigger: TriggerName, { type }: Outcome): void {
    const running = this.#byTrigger.get(trigger) ?? this.#begin(trigger);
    running.counts[type]++;
    running.lastEventTime = this.#clock.now();
    if (running.isPending) return;
    running.isPending = true;
    this.onPending(trigger);
  }

  /** What is to be written down; undefined when there is nothing. */
  pending(trigger: TriggerName): Tally | undefined {
    const running = this.#byName.get(triggerKey(trigger));
    return running?.isPending ? { counts: { ...running.counts }, lastEventTime: running.lastEventTime } : undefined;
  }

  /** It has been written down. */
  written(trigger: TriggerName, { counts }: Tally): void {
    const running = this.#byName.get(triggerKey(trigger));
    if (running === undefined) return;
    for (const type of OUTCOMES) running.counts[type] -= counts[type];
    running.isPending = OUTCOMES.some((type) => running.counts[type] > 0);
    if (running.isPending) this.onPending(trigger);
  }

  /** Of a trigger that is gone. One that comes again by this name begins anew. */
  forget(trigger: TriggerName): void {
    this.#byName.delete(triggerKey(trigger));
  }

  #begin(trigger: TriggerName): Running {
    const name = triggerKey(trigger);
    const running = this.#byName.get(name) ?? { counts: none(), lastEventTime: 0, isPending: false };
    this.#byName.set(name, running);
    this.#byTrigger.set(trigger, running);
    return running;
  }
}

/** What is stored, and what is to be added. */
export function withTally(status: TriggerStatus, { counts, lastEventTime }: Tally): TriggerStatus {
  const stored = status.counts ?? {};
  const last = new Date(lastEventTime).toISOString();
  return {
    ...status,
    counts: { ...stored, ...Object.fromEntries(OUTCOMES.map((type) => [type, (stored[type] ?? 0) + counts[type]])) },
    lastEventTime: status.lastEventTime !== undefined && status.lastEventTime > last ? status.lastEventTime : last,
  };
}

const none = (): Running['counts'] => ({ delivered: 0, rejected: 0, unknown: 0, dropped: 0 });
const OUTCOMES = ['delivered', 'rejected', 'unknown', 'dropped'] as const;
