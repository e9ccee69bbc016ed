import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { eventId } from '../domain/event.ts';
import type { PartProgress } from '../domain/kind.ts';
import type { LedgerReport } from '../domain/ledger.ts';
import { Feed } from './feed.ts';
import { DurationHistogram, durationBounds } from './histogram.ts';
import { createMetrics, metricNames } from './metrics.ts';
import { TelemetrySink } from './sink.ts';
import { sourceMetricNames } from './source-metrics.ts';

const orders = { kind: 'kafka', namespace: 'default', name: 'orders' };
const LABELS = 'kind="kafka",namespace="default",trigger="orders"';

const invoice = {
  name: 'invoice',
  read: 12,
  filtered: 1,
  claimed: 10,
  delivered: 6,
  rejected: 1,
  unknown: { timeout: 1 },
  droppedBeforeClaim: { too_large: 1 },
  dropped: { expired: 1 },
  inFlight: 1,
};
const report = (balanced = true): LedgerReport => ({
  balanced,
  triggers: [{ ...orders, gaps: [], functions: [invoice] }],
});

const sourceOf = (parts: readonly PartProgress[]) => ({
  trigger: orders,
  functionName: 'invoice',
  progress: { parts },
  stillFor: 1_500,
  rebalances: 2,
  stalls: 1,
});
const twoParts: readonly PartProgress[] = [
  { name: 'orders/0', lag: 12, unsettled: 3, redelivered: 4 },
  { name: 'orders/1', lag: undefined, unsettled: 0 },
];

const metricsOf = (ledger: () => LedgerReport, process = false, parts = twoParts) =>
  createMetrics({
    version: '1.2.3',
    ledger,
    triggers: () => [{ trigger: orders, connected: true, ready: false, functions: ['invoice', 'mail'] }],
    sources: () => [sourceOf(parts)],
    process,
  });

describe('the metrics', () => {
  it('tell the counts of the ledger as they stand at the scrape', async () => {
    let delivered = 6;
    const metrics = metricsOf(() => {
      const functions = [{ ...invoice, delivered }];
      return { balanced: true, triggers: [{ ...orders, gaps: [], functions }] };
    });
    const copies = `trigate_copies_total{${LABELS},function="invoice",outcome="delivered",reason=""}`;
    expect(await metrics.scrape()).toContain(`${copies} 6\n`);
    delivered = 7;
    expect(await metrics.scrape()).toContain(`${copies} 7\n`);
  });

  it.each([
    `trigate_events_read_total{${LABELS},function="invoice"} 12`,
    `trigate_events_filtered_total{${LABELS},function="invoice"} 1`,
    `trigate_events_claimed_total{${LABELS},function="invoice"} 10`,
    `trigate_copies_total{${LABELS},function="invoice",outcome="rejected",reason=""} 1`,
    `trigate_copies_total{${LABELS},function="invoice",outcome="unknown",reason="timeout"} 1`,
    `trigate_copies_total{${LABELS},function="invoice",outcome="dropped",reason="expired"} 1`,
    `trigate_copies_dropped_before_claim_total{${LABELS},function="invoice",reason="too_large"} 1`,
    `trigate_in_flight{${LABELS},function="invoice"} 1`,
    'trigate_ledger_balanced 1',
    `trigate_source_connected{${LABELS}} 1`,
    `trigate_trigger_ready{${LABELS}} 0`,
    `trigate_functions_matched{${LABELS}} 2`,
    `trigate_source_lag{${LABELS},function="invoice",part="orders/0"} 12`,
    `trigate_source_unsettled{${LABELS},function="invoice",part="orders/1"} 0`,
    `trigate_source_redelivered_total{${LABELS},function="invoice",part="orders/0"} 4`,
    `trigate_source_rebalances_total{${LABELS},function="invoice"} 2`,
    `trigate_source_stalls_total{${LABELS},function="invoice"} 1`,
    `trigate_source_last_progress_seconds{${LABELS},function="invoice"} 1.5`,
    `trigate_build_info{version="1.2.3",node="${process.version}"} 1`,
  ])('have the line %s', async (line) => {
    expect((await metricsOf(() => report()).scrape()).split('\n')).toContain(line);
  });

  it('say that a ledger does not balance', async () => {
    expect(await metricsOf(() => report(false)).scrape()).toContain('\ntrigate_ledger_balanced 0\n');
  });

  it('are each described by help and type, and all begin with trigate_', async () => {
    const text = await metricsOf(() => report(), true).scrape();
    const histograms: readonly string[] = [metricNames.callDuration, metricNames.deliveryLatency];
    for (const name of [...Object.values(metricNames), ...Object.values(sourceMetricNames)]) {
      expect(text).toContain(`# HELP ${name} `);
      expect(text).toContain(
        `# TYPE ${name} ${name.endsWith('_total') ? 'counter' : histograms.includes(name) ? 'histogram' : 'gauge'}\n`,
      );
    }
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => !line.startsWith('trigate_'))).toEqual([]);
  });

  it('leave out the lag of a part of which it is not known', async () => {
    expect(await metricsOf(() => report()).scrape()).not.toMatch(/trigate_source_lag{.*orders\/1/);
  });

  it('put the parts of a source that has a great many into one', async () => {
    const parts = Array.from({ length: 1_000 }, (_, i) => ({ name: `orders/${i}`, lag: 2, unsettled: 0 }));
    const lines = (await metricsOf(() => report(), false, parts).scrape()).split('\n');
    const lags = lines.filter((line) => line.startsWith('trigate_source_lag{'));
    expect(lags.length).toBe(257);
    expect(lags.at(-1)).toBe(`trigate_source_lag{${LABELS},function="invoice",part="other"} 1488`);
  });

  it('drop the rows of a trigger that is gone', async () => {
    let triggers = report().triggers;
    const metrics = metricsOf(() => ({ balanced: true, triggers }));
    await metrics.scrape();
    triggers = [];
    expect(await metrics.scrape()).not.toContain('trigate_copies_total{');
  });

  it('keep two gateways in one process apart', async () => {
    const [one, two] = [metricsOf(() => report()), metricsOf(() => report())];
    one.gap(orders);
    expect(await one.scrape()).toContain(`trigate_gaps_total{${LABELS}} 1`);
    expect(await two.scrape()).not.toContain(`trigate_gaps_total{${LABELS}}`);
  });
});

describe('a duration histogram', () => {
  it('puts each duration into the first bucket that holds it', () => {
    const durations = new DurationHistogram();
    for (const bound of durationBounds) durations.observe(bound);
    expect([...durations.buckets]).toEqual([...durationBounds].map(() => 1).concat(0));
    durations.observe(1_000);
    expect(durations.buckets.at(-1)).toBe(1);
  });

  it('finds the bucket whatever came before', () => {
    for (const before of durationBounds)
      for (const value of [...durationBounds, 1_000]) {
        const [one, both] = [new DurationHistogram(), new DurationHistogram()];
        for (const seconds of [before, value]) both.observe(seconds);
        one.observe(value);
        expect(both.buckets[one.buckets.indexOf(1)]).toBeGreaterThan(0);
      }
  });

  it('counts what is no duration as none', () => {
    const durations = new DurationHistogram();
    for (const seconds of [-5, Number.NaN, 0]) durations.observe(seconds);
    expect(durations.buckets[0]).toBe(3);
    expect(durations.sum).toBe(0);
  });

  it('is scraped with cumulative buckets, sum and count, until it is forgotten', async () => {
    const metrics = metricsOf(() => report());
    const durations = metrics.callDuration.of(orders, 'invoice');
    expect(metrics.callDuration.of({ ...orders }, 'invoice')).toBe(durations);
    for (const seconds of [0.003, 0.003, 0.7, 500]) durations.observe(seconds);
    const lines = (await metrics.scrape()).split('\n');
    const series = `${LABELS},function="invoice"`;
    expect(lines).toContain(`trigate_call_duration_seconds_bucket{${series},le="0.0025"} 0`);
    expect(lines).toContain(`trigate_call_duration_seconds_bucket{${series},le="0.005"} 2`);
    expect(lines).toContain(`trigate_call_duration_seconds_bucket{${series},le="180"} 3`);
    expect(lines).toContain(`trigate_call_duration_seconds_bucket{${series},le="+Inf"} 4`);
    expect(lines).toContain(`trigate_call_duration_seconds_sum{${series}} 500.706`);
    expect(lines).toContain(`trigate_call_duration_seconds_count{${series}} 4`);
    metrics.callDuration.forget(orders, 'invoice');
    expect(await metrics.scrape()).not.toContain('call_duration_seconds_count{');
  });
});

describe('the telemetry sink', () => {
  it('tells feed and histograms of each outcome', async () => {
    const clock = new ManualClock();
    const feed = new Feed({ clock });
    const metrics = metricsOf(() => report());
    const sink = new TelemetrySink({ feed, metrics, lines: undefined, clock });
    const id = eventId('test', '1');
    const event = { id, time: clock.now() - 2_000, coordinates: { type: 'nats', subject: 'orders' } } as const;

    sink.outcome(orders, event, 'invoice', { type: 'delivered', status: 200, ms: 10 });
    sink.outcome(orders, event, 'invoice', { type: 'unknown', reason: 'timeout', ms: 10 });
    sink.outcome(orders, event, 'invoice', { type: 'dropped', reason: 'expired' });
    sink.late(orders, event, 'invoice', { type: 'delivered', status: 200, ms: 10 });
    sink.gap(orders, { from: 0, to: 1, cause: 'reconnected' });

    expect(feed.read().events.map(({ type, functions }) => [type, functions.length])).toEqual([
      ['event', 4],
      ['gap', 0],
    ]);
    const text = await metrics.scrape();
    expect(text).toContain(`trigate_call_duration_seconds_count{${LABELS},function="invoice"} 2\n`);
    expect(text).toContain(`trigate_delivery_latency_seconds_sum{${LABELS},function="invoice"} 2\n`);
    expect(text).toContain(`trigate_gaps_total{${LABELS}} 1\n`);
    sink.forget(orders, 'invoice');
    expect(await metrics.scrape()).not.toContain('_seconds_count{kind');
  });
});
