/**
 * What the runner tells a function's process: the first and only argument, as JSON. Both runtimes read the same
 * fields (`python.py` by the same names).
 */
export interface ProcessSettings {
  /** Absolute path of the user's code. */
  readonly file: string;
  /** Name of the function in that file. */
  readonly handler: string;
  /** Port asked for; 0, or one that is taken: any free one. */
  readonly port: number;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  /** Second argument of every call (Kubeless). */
  readonly context: {
    readonly 'function-name': string;
    /** Seconds. */
    readonly timeout: number;
    readonly runtime: string;
    readonly 'memory-limit': string;
  };
}

/** File descriptor on which a process says, once, `{"port": n}` when it listens. */
export const REPORT_FD = 3;
