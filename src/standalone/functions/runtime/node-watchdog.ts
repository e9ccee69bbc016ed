import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BEAT, BLOCKED, type WatchdogSettings } from './node-watchdog-contract.ts';

/**
 * A handler that blocks the event loop (an endless loop) cannot be timed by a timer of the same loop. So the main
 * thread beats, and a worker that hears no beat for `limitMs` ends the running JavaScript through the inspector
 * (`Runtime.terminateExecution`): the loop turns again, the timers of the calls answer 408, and `onBlocked` says that
 * the process should leave. If even that does not bring the loop back, the worker kills the process.
 *
 * The worker counts silent rounds instead of reading a clock: after the machine slept, nobody is late.
 */
export function watchEventLoop(limitMs: number, onBlocked: () => void): void {
  const roundMs = Math.min(Math.max(limitMs / 4, 25), 1_000);
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const settings: WatchdogSettings = { shared, roundMs, limitRounds: Math.ceil(limitMs / roundMs) };
  const worker = new URL(`node-watchdog-worker${extname(import.meta.url)}`, import.meta.url);
  new Worker(worker, { workerData: settings, execArgv: [], stdin: false }).unref();
  setInterval(() => {
    Atomics.add(shared, BEAT, 1);
    if (Atomics.exchange(shared, BLOCKED, 0) === 1) onBlocked();
  }, roundMs / 2).unref();
}
