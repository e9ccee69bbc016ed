import { serveSink } from './sink.ts';

// Answers at once, and keeps how old each event was. Bodies are {"at":"<nanoseconds of the monotonic clock>",…}, which on one
// machine is the same clock in every process.

const latencies: number[] = [];

serveSink(
  (body, answer) => {
    const at = /"at":"(\d+)"/.exec(body)?.[1];
    if (at !== undefined) latencies.push(Number(process.hrtime.bigint() - BigInt(at)) / 1e6);
    answer();
  },
  () => {
    const sorted = Float64Array.from(latencies).sort();
    const quantile = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(2);
    return `requests ${sorted.length} ${quantile(0.5)} ${quantile(0.99)} ${quantile(1)}`;
  },
);
