import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What a process has used, by the kernel's own account. */
export interface Usage {
  /** Microseconds of all its threads, in the program and in the kernel. */
  readonly cpu: number;
  /** The kernel's part of it. */
  readonly kernel: number;
  /** Bytes. */
  readonly peakRss: number;
}

const TICKS_PER_SECOND = 100;

export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const micros = (ticks: string | undefined) => (Number(ticks) * 1_000_000) / TICKS_PER_SECOND;
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
  return { cpu: micros(fields[11]) + micros(fields[12]), kernel: micros(fields[12]), peakRss: peak * 1024 };
}

export interface BenchFunction {
  readonly url: string;
  /** Resolves when it has had that many requests since it was started, with the rest of its report. */
  received(count: number): Promise<readonly string[]>;
  /** Requests that it has had since it was started. */
  count(): Promise<number>;
  stop(): void;
}

const LOOK_EVERY_MS = 20;

/** A function of the benches, in a process of its own. */
export async function startFunction(
  file: 'fast' | 'slow' | 'latency' | 'schedule',
  host = '127.0.0.1',
): Promise<BenchFunction> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${file}-function.ts`), host], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const words = async () =>
    String((await lines.next()).value)
      .split(' ')
      .slice(1);
  const [port] = await words();
  const report = () => {
    child.stdin.write('\n');
    return words();
  };
  return {
    url: `http://${host}:${port}/`,
    async received(count) {
      for (;;) {
        const [requests, ...rest] = await report();
        if (Number(requests) >= count) return rest;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
    async count() {
      const [requests] = await report();
      return Number(requests);
    },
    stop: () => child.stdin.end(),
  };
}

export interface Result {
  readonly name: string;
  readonly events: number;
  readonly seconds: number;
  /** CPU microseconds per event. */
  readonly micros: number;
  /** The kernel's part of it. */
  readonly kernel: number;
  readonly peakRss: number;
}

/** Measures a process from now until `done`. */
export async function measure(name: string, pid: number, events: number, done: Promise<unknown>): Promise<Result> {
  const before = usageOf(pid);
  const start = performance.now();
  await done;
  const seconds = (performance.now() - start) / 1000;
  const after = usageOf(pid);
  const each = (key: 'cpu' | 'kernel') => (after[key] - before[key]) / events;
  return { name, events, seconds, micros: each('cpu'), kernel: each('kernel'), peakRss: after.peakRss };
}

/** Calls of one function, first and last of them, each event being so many. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
  readonly perEvent: number;
}

/** Measures a process while its function gets those calls: what went before, as what it takes to begin, is not in it. */
export async function measureCalls(name: string, pid: number, target: BenchFunction, calls: Stretch): Promise<Result> {
  await target.received(calls.first);
  const events = (calls.last - (await target.count())) / calls.perEvent;
  return measure(name, pid, events, target.received(calls.last));
}

/** From here on everything is compiled that is worth it. */
const STEADY_FROM = 300_000;

/** A process from the first event on, and, of more than 300,000, behind those. */
export interface Measured {
  readonly whole: Result;
  /** Undefined when there are too few. */
  readonly steady: Result | undefined;
}

/** Measures a process until its function got its calls for all events. */
export async function measureEvents(
  name: string,
  pid: number,
  target: BenchFunction,
  events: number,
  perEvent = 1,
): Promise<Measured> {
  const calls = (first: number) =>
    measureCalls(name, pid, target, { first: first * perEvent, last: events * perEvent, perEvent });
  const [whole, steady] = await Promise.all([calls(1), events > STEADY_FROM ? calls(STEADY_FROM) : undefined]);
  return { whole, steady };
}

/** The results of all, and those behind the first events by themselves. */
export function printMeasured(title: string, rounds: ReadonlyMap<string, readonly Measured[]>): void {
  const of = (pick: (measured: Measured) => Result | undefined) =>
    new Map([...rounds].map(([caller, all]) => [caller, all.map(pick).filter((result) => result !== undefined)]));
  printResults(
    title,
    of(({ whole }) => whole),
  );
  printResults(
    `${title}, behind the first ${STEADY_FROM}`,
    of(({ steady }) => steady),
  );
}

/** Each result beside the cheapest bare loop that makes its calls in the same way. */
export function printResults(title: string, rounds: ReadonlyMap<string, readonly Result[]>): void {
  for (const [caller, results] of rounds) {
    if (results.length === 0) continue;
    const bare = results.filter(({ name }) => name.startsWith('bare')).map(({ micros }) => micros);
    printTable(`${title}, calls by ${caller}`, results, Math.min(...bare));
  }
}

function printTable(title: string, results: readonly Result[], base: number): void {
  console.log(`\n${title}`);
  console.log(
    `  ${'loop'.padEnd(22)} ${'events/s'.padStart(9)} ${'CPU us/event'.padStart(13)} ${'kernel'.padStart(7)} ${'x bare'.padStart(7)} ${'peak RSS'.padStart(9)}`,
  );
  for (const { name, events, seconds, micros, kernel, peakRss } of results) {
    const columns = [
      name.padEnd(22),
      String(Math.round(events / seconds)).padStart(9),
      micros.toFixed(1).padStart(13),
      kernel.toFixed(1).padStart(7),
      (micros / base).toFixed(2).padStart(7),
      `${Math.round(peakRss / 1_048_576)} MiB`.padStart(9),
    ];
    console.log(`  ${columns.join(' ')}`);
  }
}
