import type { Clock } from '../domain/clock.ts';
import type { Event } from '../domain/event.ts';
import type { Gap } from '../domain/ledger.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { TriggerName } from '../domain/trigger.ts';
import type { Feed } from './feed.ts';
import type { DurationHistogram } from './histogram.ts';
import type { CallLines } from './lines.ts';
import type { Metrics } from './metrics.ts';

export interface SinkOptions {
  readonly feed: Feed;
  readonly metrics: Metrics;
  /** None where nobody wants a line per call. */
  readonly lines: CallLines | undefined;
  readonly clock: Clock;
}

interface Durations {
  readonly call: DurationHistogram;
  readonly latency: DurationHistogram;
}

/** Carries each outcome to all who tell of it: feed, lines, histograms. On the hot path, so it builds no strings. */
export class TelemetrySink {
  readonly #options: SinkOptions;
  readonly #durations = new WeakMap<TriggerName, Map<string, Durations>>();

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  outcome(
    trigger: TriggerName,
    event: Pick<Event, 'id' | 'time' | 'coordinates'>,
    functionName: string,
    outcome: Outcome,
  ): void {
    const { feed, lines, clock } = this.#options;
    const now = clock.now();
    feed.record(trigger, event, functionName, outcome, now);
    lines?.record(trigger, event, functionName, outcome);
    if (outcome.type === 'dropped') return;
    const durations = this.#durationsOf(trigger, functionName);
    durations.call.observe(outcome.ms / 1_000);
    if (outcome.type !== 'unknown') durations.latency.observe((now - event.time) / 1_000);
  }

  /** An outcome that another owner has already counted: it shows in the feed and nowhere else. */
  late(
    trigger: TriggerName,
    event: Pick<Event, 'id' | 'time' | 'coordinates'>,
    functionName: string,
    outcome: Outcome,
  ): void {
    const { feed, clock } = this.#options;
    feed.record(trigger, event, functionName, outcome, clock.now(), true);
  }

  gap(trigger: TriggerName, gap: Gap): void {
    this.#options.feed.gap(trigger, gap);
    this.#options.metrics.gap(trigger);
  }

  /** Ends the series of a function that a trigger no longer selects. */
  forget(trigger: TriggerName, functionName: string): void {
    const { callDuration, deliveryLatency } = this.#options.metrics;
    this.#durations.get(trigger)?.delete(functionName);
    callDuration.forget(trigger, functionName);
    deliveryLatency.forget(trigger, functionName);
  }

  #durationsOf(trigger: TriggerName, functionName: string): Durations {
    let byFunction = this.#durations.get(trigger);
    if (byFunction === undefined) {
      byFunction = new Map();
      this.#durations.set(trigger, byFunction);
    }
    let durations = byFunction.get(functionName);
    if (durations === undefined) {
      const { callDuration, deliveryLatency } = this.#options.metrics;
      durations = { call: callDuration.of(trigger, functionName), latency: deliveryLatency.of(trigger, functionName) };
      byFunction.set(functionName, durations);
    }
    return durations;
  }
}
