import { Histogram, type Registry } from 'prom-client';
import { type TriggerName, triggerKey } from '../domain/trigger.ts';

/** Upper bounds of the buckets, in seconds: from a local function that answers at once to the longest usual time-out. */
export const durationBounds = Float64Array.of(
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  180,
);

/** Durations of one (trigger, function). Whoever observes keeps the object, so observing looks nothing up. */
export class DurationHistogram {
  /** Not cumulative; the last one has no upper bound. */
  readonly buckets = new Float64Array(durationBounds.length + 1);
  sum = 0;
  /** Of the last one: the next is most often near it. */
  #bucket = 0;

  /** What is no duration (clocks of two machines that disagree) counts as none. */
  observe(seconds: number): void {
    const value = Number.isNaN(seconds) ? 0 : Math.max(seconds, 0);
    let i = this.#bucket;
    while (i < durationBounds.length && value > (durationBounds[i] ?? 0)) i++;
    while (i > 0 && value <= (durationBounds[i - 1] ?? 0)) i--;
    this.#bucket = i;
    this.buckets[i] = (this.buckets[i] ?? 0) + 1;
    this.sum += value;
  }
}

type LabelName = 'kind' | 'namespace' | 'trigger' | 'function';
type Labels = Record<LabelName, string>;

interface Sample {
  readonly metricName: string;
  readonly labels: Partial<Labels & { le: number | string }>;
  readonly value: number;
}

/**
 * A histogram metric whose values are our own objects. prom-client's own `observe` hashes its labels each time, which
 * is too dear for every call; here it only names the metric and asks for samples when it is scraped.
 */
export class HistogramFamily extends Histogram<LabelName> {
  readonly #name: string;
  readonly #help: string;
  readonly #series = new Map<string, { readonly labels: Labels; readonly durations: DurationHistogram }>();

  constructor(options: { name: string; help: string; registry: Registry }) {
    const { name, help, registry } = options;
    super({ name, help, labelNames: ['kind', 'namespace', 'trigger', 'function'], registers: [registry] });
    this.#name = name;
    this.#help = help;
  }

  /** The durations of one function of a trigger; the same object each time. */
  of(trigger: TriggerName, functionName: string): DurationHistogram {
    const key = seriesKey(trigger, functionName);
    const known = this.#series.get(key);
    if (known !== undefined) return known.durations;
    const { kind, namespace, name } = trigger;
    const durations = new DurationHistogram();
    this.#series.set(key, { labels: { kind, namespace, trigger: name, function: functionName }, durations });
    return durations;
  }

  /** Ends the series of a function that is no longer matched, so that their number stays bounded. */
  forget(trigger: TriggerName, functionName: string): void {
    this.#series.delete(seriesKey(trigger, functionName));
  }

  /** prom-client's registry asks a histogram for its samples by this name; its `get()` is built on it. */
  async getForPromString(): Promise<object> {
    const values = [...this.#series.values()].flatMap(({ labels, durations }) => this.#samples(labels, durations));
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }

  #samples(labels: Labels, durations: DurationHistogram): Sample[] {
    const samples: Sample[] = [];
    let cumulative = 0;
    durations.buckets.forEach((count, i) => {
      cumulative += count;
      const le = durationBounds[i] ?? '+Inf';
      samples.push({ metricName: `${this.#name}_bucket`, labels: { ...labels, le }, value: cumulative });
    });
    samples.push({ metricName: `${this.#name}_sum`, labels, value: durations.sum });
    samples.push({ metricName: `${this.#name}_count`, labels, value: cumulative });
    return samples;
  }
}

const seriesKey = (trigger: TriggerName, functionName: string): string => `${triggerKey(trigger)}/${functionName}`;
