import { type Clock, type Deadline, delay } from '../../domain/clock.ts';
import { asError } from '../../domain/errors.ts';
import { createBackoff } from '../../resources/backoff.ts';
import type { CodeFolder } from './code-folder.ts';
import { type Exit, type Instance, startInstance } from './instance.ts';
import { launch } from './launch.ts';
import type { RunPlan } from './plan.ts';
import type { Ports } from './ports.ts';

/** What the versions of one function share. */
export interface VersionContext {
  readonly namespace: string;
  readonly name: string;
  readonly folder: CodeFolder;
  readonly ports: Ports;
  readonly environment: Readonly<Record<string, string>>;
  readonly maxBodyBytes: number;
  readonly clock: Clock;
  readonly random: () => number;
  onLine(line: string): void;
}

export type VersionState =
  | { readonly type: 'starting' }
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'down'; readonly reason: Exit['reason']; readonly message: string };

/** One version of a function's code, kept running. */
export interface Version {
  readonly plan: RunPlan;
  state(): VersionState;
  /** Drains the process and starts it no more. Idempotent; the last deadline given counts. */
  stop(deadline: Deadline): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A process that lived that long did not fail at once: the next pause is the first one again. */
const STABLE_MS = 10_000;

/**
 *   starting ──answers──► ready ──process gone──► down ──pause, then answers──► ready …
 *       └───────────────process gone───────────────┘
 *
 * There is never more than one process, and a jittered, growing pause before each next one.
 * @param onChange the state is another one
 */
export function keepRunning(plan: RunPlan, context: VersionContext, onChange: () => void): Version {
  const { clock, random, namespace, name } = context;
  const closing = new AbortController();
  const backoff = createBackoff({ first: FIRST_PAUSE_MS, longest: LONGEST_PAUSE_MS, random });
  let state: VersionState = { type: 'starting' };
  let instance: Instance | undefined;
  let port = 0;

  const become = (next: VersionState) => {
    if (closing.signal.aborted) return;
    state = next;
    onChange();
  };

  async function live(): Promise<Exit | undefined> {
    const file = await context.folder.write(plan);
    if (closing.signal.aborted) return undefined;
    const { environment, maxBodyBytes } = context;
    // The port of its last life: whoever still has that address finds it again.
    const how = launch(plan, { functionName: name, file, port, maxBodyBytes, environment });
    instance = startInstance(how, clock, context.onLine);
    const found = await instance.ready;
    if (found !== undefined && !context.ports.claim(found, `${namespace}/${name}`)) {
      await instance.stop(clock.monotonic());
      return { reason: 'StartFailed', message: `It got the port ${found}, which was another function's.` };
    }
    if (found !== undefined) {
      port = found;
      become({ type: 'ready', url: `http://127.0.0.1:${port}` });
    }
    return instance.exited;
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const started = clock.monotonic();
      const exit = await live().catch((error): Exit => ({ reason: 'StartFailed', message: asError(error).message }));
      if (exit === undefined) return;
      if (clock.monotonic() - started > STABLE_MS) backoff.reset();
      become({ type: 'down', ...exit });
      await delay(clock, backoff.next(), closing.signal);
    }
  }

  const running = run();
  return {
    plan,
    state: () => state,
    async stop(deadline) {
      closing.abort();
      await instance?.stop(deadline);
      await running;
    },
  };
}
