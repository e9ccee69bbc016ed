import { type Cost, Duplicate, type Stage } from './stage.ts';

/** What the trials of one row came to. */
export interface Result {
  readonly row: number;
  readonly fault: string;
  trials: number;
  duplicates: number;
  /** In doubt, by trial and function. */
  readonly doubts: number[];
  missing: number;
  readonly recoveryMs: number[];
  /** Of all gateways, bytes. */
  peakRss: number;
  readonly failures: string[];
}

export const noResult = (row: number, fault: string): Result => ({
  row,
  fault,
  trials: 0,
  duplicates: 0,
  doubts: [],
  missing: 0,
  recoveryMs: [],
  peakRss: 0,
  failures: [],
});

export interface Bounds {
  /** In doubt, for one function. */
  readonly inDoubt: number;
  /** Copies that may never arrive, over all functions. */
  readonly missing?: number;
  /** Bytes that a gateway may have used at most, ever. */
  readonly peakRss?: number;
}

/** One fault, and what has to hold after it. The fault resolves when it is over, with the moment from which time counts. */
export async function trial(
  stage: Stage,
  result: Result,
  bounds: Bounds,
  fault: () => Promise<number | undefined>,
): Promise<void> {
  result.trials++;
  try {
    const from = (await fault()) ?? performance.now();
    await stage.goesOn();
    result.recoveryMs.push(performance.now() - from);
    add(result, await stage.settleUp(), bounds);
    watchMemory(result, stage.peakRss(), bounds);
  } catch (error) {
    if (error instanceof Duplicate) result.duplicates++;
    result.failures.push(error instanceof Error ? error.message : String(error));
  }
}

function add(result: Result, { mostInDoubt, missing }: Cost, bounds: Bounds): void {
  result.doubts.push(mostInDoubt);
  result.missing += missing;
  if (mostInDoubt > bounds.inDoubt) {
    result.failures.push(`${mostInDoubt} in doubt, where at most ${bounds.inDoubt} may be`);
  }
  if (missing > (bounds.missing ?? Number.POSITIVE_INFINITY)) {
    result.failures.push(`${missing} events did not arrive, where at most ${bounds.missing} may be missing`);
  }
}

function watchMemory(result: Result, peakRss: number, bounds: Bounds): void {
  result.peakRss = Math.max(result.peakRss, peakRss);
  if (peakRss > (bounds.peakRss ?? Number.POSITIVE_INFINITY)) {
    result.failures.push(`a gateway has used ${megabytes(peakRss)}`);
  }
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Prints a line for each row. True when everything held. */
export function print(results: readonly Result[], window: number): boolean {
  const head = [
    'row',
    'fault',
    'trials',
    'duplicates',
    `in doubt p50/max of ${window}`,
    'missing',
    'recovery p50/p99',
    'peak RSS',
  ];
  const lines = results.map(({ row, fault, trials, duplicates, doubts, missing, recoveryMs, peakRss }) => [
    `${row}`,
    fault,
    `${trials}`,
    `${duplicates}`,
    `${quantile(doubts, 0.5)} / ${Math.max(0, ...doubts)}`,
    `${missing}`,
    `${seconds(quantile(recoveryMs, 0.5))} / ${seconds(quantile(recoveryMs, 0.99))}`,
    megabytes(peakRss),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i]?.length ?? 0)));
  for (const line of [head, ...lines]) console.log(line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  const failures = results.flatMap(({ row, fault, failures }) =>
    failures.map((each) => `row ${row}, ${fault}: ${each}`),
  );
  for (const failure of failures) console.log(`FAILED ${failure}`);
  return failures.length === 0;
}
