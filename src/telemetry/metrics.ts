import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { FunctionReport, LedgerReport } from '../domain/ledger.ts';
import type { TriggerName } from '../domain/trigger.ts';
import { HistogramFamily } from './histogram.ts';
import { registerSourceMetrics, type SourceState } from './source-metrics.ts';

/**
 * Every metric of ours, with those of source-metrics.ts. Counts are counts of copies; labels are bounded: never an event
 * id or a key.
 */
export const metricNames = {
  eventsRead: 'trigate_events_read_total',
  eventsFiltered: 'trigate_events_filtered_total',
  eventsClaimed: 'trigate_events_claimed_total',
  copies: 'trigate_copies_total',
  droppedBeforeClaim: 'trigate_copies_dropped_before_claim_total',
  inFlight: 'trigate_in_flight',
  gaps: 'trigate_gaps_total',
  ledgerBalanced: 'trigate_ledger_balanced',
  sourceConnected: 'trigate_source_connected',
  triggerReady: 'trigate_trigger_ready',
  functionsMatched: 'trigate_functions_matched',
  callDuration: 'trigate_call_duration_seconds',
  deliveryLatency: 'trigate_delivery_latency_seconds',
  buildInfo: 'trigate_build_info',
} as const;

/** What a trigger's conditions say now. */
export interface TriggerState {
  readonly trigger: TriggerName;
  readonly connected: boolean;
  readonly ready: boolean;
  readonly functions: readonly string[];
}

export interface MetricsOptions {
  readonly version: string;
  /** Asked once at each scrape; delivering an event touches no counter of this file. */
  readonly ledger: () => LedgerReport;
  readonly triggers: () => Iterable<TriggerState>;
  readonly sources: () => readonly SourceState[];
  /** Metrics of the Node.js process. Once per process: prom-client never ends their observers. */
  readonly process: boolean;
}

export interface Metrics {
  /** From the first byte of a call to its answer. */
  readonly callDuration: HistogramFamily;
  /** From publication at the broker to the answer. */
  readonly deliveryLatency: HistogramFamily;
  readonly contentType: string;
  /** A gap. Counted here, since the ledger keeps only the last ones. */
  gap(trigger: TriggerName): void;
  scrape(): Promise<string>;
}

type Labels = Record<string, string>;
type Sample = readonly [labels: Labels, value: number];

/** The metrics of one gateway or controller, in a registry of its own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  let report: LedgerReport = { balanced: true, triggers: [] };
  let sources: readonly SourceState[] = [];

  const scraped = (type: typeof Counter | typeof Gauge, name: string, help: string, samples: () => Iterable<Sample>) =>
    new type({
      name,
      help,
      labelNames: LABEL_NAMES,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.inc(labels, value);
      },
    });
  const copies = (name: string, help: string, samples: (row: FunctionReport) => Iterable<Sample>) =>
    scraped(Counter, name, help, () => ofFunctions(report, samples));
  const states = (name: string, help: string, value: (state: TriggerState) => number) =>
    scraped(Gauge, name, help, () =>
      Array.from(options.triggers(), (state) => [triggerLabels(state.trigger), value(state)]),
    );

  copies(metricNames.eventsRead, 'Copies of events taken up from the source to decide on.', (row) => [[{}, row.read]]);
  copies(metricNames.eventsFiltered, 'Copies filtered out before the claim.', (row) => [[{}, row.filtered]]);
  copies(metricNames.eventsClaimed, 'Copies claimed: each is tried once.', (row) => [[{}, row.claimed]]);
  copies(metricNames.copies, 'Claimed copies by outcome.', outcomes);
  copies(metricNames.droppedBeforeClaim, 'Copies dropped before the claim, by reason.', (row) =>
    byReason({}, row.droppedBeforeClaim),
  );
  scraped(Gauge, metricNames.inFlight, 'Copies claimed and without an outcome yet.', () =>
    ofFunctions(report, (row) => [[{}, row.inFlight]]),
  );
  const gaps = new Counter({
    name: metricNames.gaps,
    help: 'Times in which a source lost an unknown number of events.',
    labelNames: ['kind', 'namespace', 'trigger'],
    registers: [registry],
  });
  scraped(Gauge, metricNames.ledgerBalanced, '1 while every copy is accounted for.', () => [
    [{}, Number(report.balanced)],
  ]);
  states(metricNames.sourceConnected, '1 while the source is connected.', (state) => Number(state.connected));
  states(metricNames.triggerReady, '1 while the trigger is ready.', (state) => Number(state.ready));
  states(metricNames.functionsMatched, 'Functions that the selector matches.', (state) => state.functions.length);
  registerSourceMetrics(registry, () => sources);
  scraped(Gauge, metricNames.buildInfo, 'Always 1; the labels say what runs.', () => [
    [{ version: options.version, node: process.version }, 1],
  ]);
  if (options.process) collectDefaultMetrics({ register: registry, prefix: 'trigate_' });

  return {
    callDuration: new HistogramFamily({
      name: metricNames.callDuration,
      help: 'From the first byte of a call to its answer.',
      registry,
    }),
    deliveryLatency: new HistogramFamily({
      name: metricNames.deliveryLatency,
      help: 'From publication at the broker to the answer.',
      registry,
    }),
    contentType: registry.contentType,
    gap: (trigger) => gaps.inc(triggerLabels(trigger)),
    async scrape() {
      report = options.ledger();
      sources = options.sources();
      return registry.metrics();
    },
  };
}

const LABEL_NAMES = ['kind', 'namespace', 'trigger', 'function', 'outcome', 'reason', 'version', 'node'];

const triggerLabels = ({ kind, namespace, name }: TriggerName): Labels => ({ kind, namespace, trigger: name });

function* ofFunctions(report: LedgerReport, samples: (row: FunctionReport) => Iterable<Sample>): Iterable<Sample> {
  for (const trigger of report.triggers)
    for (const row of trigger.functions)
      for (const [labels, value] of samples(row))
        yield [{ ...triggerLabels(trigger), function: row.name, ...labels }, value];
}

function* outcomes(row: FunctionReport): Iterable<Sample> {
  yield [{ outcome: 'delivered', reason: '' }, row.delivered];
  yield [{ outcome: 'rejected', reason: '' }, row.rejected];
  yield* byReason({ outcome: 'unknown' }, row.unknown);
  yield* byReason({ outcome: 'dropped' }, row.dropped);
}

function* byReason(labels: Labels, counts: Readonly<Record<string, number>>): Iterable<Sample> {
  for (const [reason, count] of Object.entries(counts)) yield [{ ...labels, reason }, count];
}
