import { Counter, Gauge, type Registry } from 'prom-client';
import type { PartProgress, Progress } from '../domain/kind.ts';
import type { TriggerName } from '../domain/trigger.ts';

/** How far the source of one subscription is. */
export interface SourceState {
  readonly trigger: TriggerName;
  /** `*` where all functions of a trigger share a position. */
  readonly functionName: string;
  readonly progress: Pick<Progress, 'parts'>;
  /** Milliseconds since an event was claimed, or there was none to claim. */
  readonly stillFor: number;
  readonly rebalances: number;
  readonly stalls: number;
}

/** Each of a source's parts has series of its own up to this number; the others share one, `other`. */
const MOST_PARTS = 256;

const SOURCE_LABELS = ['kind', 'namespace', 'trigger', 'function'];

/** Registers what sources tell of themselves; asked for at each scrape. */
export function registerSourceMetrics(registry: Registry, states: () => readonly SourceState[]): void {
  const ofSources = (
    type: typeof Counter | typeof Gauge,
    name: string,
    help: string,
    value: (state: SourceState) => number,
  ) =>
    new type({
      name,
      help,
      labelNames: SOURCE_LABELS,
      registers: [registry],
      collect() {
        this.reset();
        for (const state of states()) this.inc(labelsOf(state), value(state));
      },
    });
  const ofParts = (
    type: typeof Counter | typeof Gauge,
    name: string,
    help: string,
    value: (part: PartProgress) => number | undefined,
  ) =>
    new type({
      name,
      help,
      labelNames: [...SOURCE_LABELS, 'part'],
      registers: [registry],
      collect() {
        this.reset();
        for (const state of states()) {
          for (const [i, part] of state.progress.parts.entries()) {
            const count = value(part);
            const label = i < MOST_PARTS ? part.name : 'other';
            if (count !== undefined) this.inc({ ...labelsOf(state), part: label }, count);
          }
        }
      },
    });

  ofParts(Gauge, sourceMetricNames.lag, 'Events that wait at the broker and are not claimed.', ({ lag }) => lag);
  ofParts(
    Gauge,
    sourceMetricNames.unsettled,
    'Claimed events that a crash now would leave in doubt.',
    ({ unsettled }) => unsettled,
  );
  ofParts(
    Counter,
    sourceMetricNames.redelivered,
    'Deliveries that the broker made again, and that were refused.',
    ({ redelivered }) => redelivered,
  );
  ofSources(Counter, sourceMetricNames.rebalances, 'Changes of membership or ownership.', (state) => state.rebalances);
  ofSources(
    Counter,
    sourceMetricNames.stalls,
    'Times that a source had work, stood still, and was opened anew.',
    (state) => state.stalls,
  );
  ofSources(
    Gauge,
    sourceMetricNames.lastProgress,
    'Seconds since an event was claimed, or there was none to claim.',
    (state) => state.stillFor / 1000,
  );
}

/** Of sources that can lag behind. `part` is a partition, or a consumer. */
export const sourceMetricNames = {
  lag: 'trigate_source_lag',
  unsettled: 'trigate_source_unsettled',
  redelivered: 'trigate_source_redelivered_total',
  rebalances: 'trigate_source_rebalances_total',
  stalls: 'trigate_source_stalls_total',
  lastProgress: 'trigate_source_last_progress_seconds',
} as const;

const labelsOf = ({ trigger: { kind, namespace, name }, functionName }: SourceState) => ({
  kind,
  namespace,
  trigger: name,
  function: functionName,
});
