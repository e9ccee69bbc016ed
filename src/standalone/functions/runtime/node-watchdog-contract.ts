/** What the main thread of a function's process and its watchdog share. */
export interface WatchdogSettings {
  /** At `BEAT` the main thread counts its beats, at `BLOCKED` the watchdog says that it ended the running code. */
  readonly shared: Int32Array;
  readonly roundMs: number;
  /** Silent rounds after which the running code is ended. */
  readonly limitRounds: number;
}

export const BEAT = 0;
export const BLOCKED = 1;
