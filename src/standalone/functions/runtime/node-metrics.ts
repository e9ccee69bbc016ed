/** Upper bounds in seconds, as in Kubeless' runtimes: those that the clients of Prometheus have by default. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Calls by HTTP method, since the process began. */
export interface CallCounts {
  /** A call has begun; the answer tells, once, how it ended. */
  begin(method: string): (failed: boolean) => void;
  /** For `GET /metrics`, under the names that Kubeless' runtimes have and `function top` reads. */
  text(): string;
}

interface Count {
  calls: number;
  failures: number;
  seconds: number;
  readonly buckets: number[];
}

/** @param now milliseconds of a clock that never goes back */
export function createCallCounts(now: () => number): CallCounts {
  const counts = new Map<string, Count>();

  function end(method: string, seconds: number, failed: boolean): void {
    const count = counts.get(method) ?? { calls: 0, failures: 0, seconds: 0, buckets: BUCKETS.map(() => 0) };
    counts.set(method, count);
    count.calls++;
    if (failed) count.failures++;
    count.seconds += seconds;
    for (const [i, bound] of BUCKETS.entries()) if (seconds <= bound) count.buckets[i] = (count.buckets[i] ?? 0) + 1;
  }

  return {
    begin(method) {
      const start = now();
      let isOpen = true;
      return (failed) => {
        if (isOpen) end(method, (now() - start) / 1_000, failed);
        isOpen = false;
      };
    },
    text() {
      const rows = (of: (count: Count, label: string) => string[]) =>
        [...counts].flatMap(([method, count]) => of(count, `method="${method}"`));
      return `${[
        '# TYPE function_duration_seconds histogram',
        ...rows(histogram),
        '# TYPE function_calls_total counter',
        ...rows(({ calls }, label) => [`function_calls_total{${label}} ${calls}`]),
        '# TYPE function_failures_total counter',
        ...rows(({ failures }, label) => [`function_failures_total{${label}} ${failures}`]),
      ].join('\n')}\n`;
    },
  };
}

function histogram({ calls, seconds, buckets }: Count, label: string): string[] {
  const name = 'function_duration_seconds';
  return [
    ...buckets.map((count, i) => `${name}_bucket{${label},le="${BUCKETS[i]}"} ${count}`),
    `${name}_bucket{${label},le="+Inf"} ${calls}`,
    `${name}_sum{${label}} ${seconds}`,
    `${name}_count{${label}} ${calls}`,
  ];
}
