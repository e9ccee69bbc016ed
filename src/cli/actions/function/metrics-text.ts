/** What a function has counted for one HTTP method. */
export interface MethodCounts {
  calls: number;
  failures: number;
  /** Seconds. */
  duration: number;
}

const FIELDS: Readonly<Record<string, keyof MethodCounts>> = {
  function_calls_total: 'calls',
  function_failures_total: 'failures',
  function_duration_seconds_sum: 'duration',
};

/** Kubeless' counts in the text that Prometheus reads, by method. Anything else in it is left out. */
export function readCounts(text: string): ReadonlyMap<string, MethodCounts> {
  const counts = new Map<string, MethodCounts>();
  for (const line of text.split('\n')) {
    const [, metric = '', labels = '', value] = /^([a-z_]+)\{([^}]*)\}\s+(\S+)/.exec(line) ?? [];
    const field = FIELDS[metric];
    const [, method] = /(?:^|,)method="((?:[^"\\]|\\.)*)"/.exec(labels) ?? [];
    if (field === undefined || method === undefined || !Number.isFinite(Number(value))) continue;
    const count = counts.get(method) ?? { calls: 0, failures: 0, duration: 0 };
    counts.set(method, count);
    count[field] = Number(value);
  }
  return counts;
}
