import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';
import { BEAT, BLOCKED, type WatchdogSettings } from './node-watchdog-contract.ts';

const ROUNDS_TO_COME_BACK = 8;

const { shared, roundMs, limitRounds }: WatchdogSettings = workerData;
let heard = Atomics.load(shared, BEAT);
let silent = 0;
setInterval(() => {
  const beat = Atomics.load(shared, BEAT);
  silent = beat === heard ? silent + 1 : 0;
  heard = beat;
  if (silent === limitRounds) {
    Atomics.store(shared, BLOCKED, 1);
    endRunningCode();
  }
  if (silent > limitRounds + ROUNDS_TO_COME_BACK) process.kill(process.pid, 'SIGKILL');
}, roundMs);

function endRunningCode(): void {
  const session = new Session();
  session.connectToMainThread();
  // Still connected, the process would wait for "the debugger" when it leaves.
  session.post('Runtime.terminateExecution', () => session.disconnect());
}
