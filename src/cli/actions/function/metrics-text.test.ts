import { expect, test } from 'vitest';
import { createCallCounts } from '../../../standalone/functions/runtime/node-metrics.ts';
import { readCounts } from './metrics-text.ts';

test('the counts of our own runtime are read back', () => {
  let now = 0;
  const counts = createCallCounts(() => now);
  const call = (method: string, ms: number, failed: boolean) => {
    const ended = counts.begin(method);
    now += ms;
    ended(failed);
    ended(!failed); // what came first counts
  };
  call('GET', 500, false);
  call('GET', 1_500, true);
  call('POST', 20_000, false);
  expect([...readCounts(counts.text())]).toEqual([
    ['GET', { calls: 2, failures: 1, duration: 2 }],
    ['POST', { calls: 1, failures: 0, duration: 20 }],
  ]);
  expect(counts.text()).toContain('function_duration_seconds_bucket{method="GET",le="0.5"} 1\n');
  expect(counts.text()).toContain('function_duration_seconds_bucket{method="POST",le="10"} 0\n');
});

test('what others write is read, and what is not ours is left out', () => {
  const text = [
    '# HELP function_calls_total Number of calls',
    'function_calls_total{method="hello-POST",} 3.0',
    'function_calls_total{code="200",method="GET"} 1e3 1700000000000',
    'function_duration_seconds_sum{method="GET"} NaN',
    'function_failures_total{other="x"} 1',
    'function_calls_total 7',
    'process_cpu_seconds_total 1',
    'garbage',
  ].join('\n');
  expect([...readCounts(text)]).toEqual([
    ['hello-POST', { calls: 3, failures: 0, duration: 0 }],
    ['GET', { calls: 1000, failures: 0, duration: 0 }],
  ]);
});
