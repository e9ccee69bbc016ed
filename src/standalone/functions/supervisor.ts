import { type Deadline, delay } from '../../domain/clock.ts';
import type { Plan } from './plan.ts';
import { notReady, type Report, reportOf } from './status.ts';
import { keepRunning, type Version, type VersionContext } from './version.ts';

/** All versions of one function. */
export interface Supervisor {
  /** Follows the object. Says the report again even when nothing is new. */
  follow(plan: Plan): void;
  /** Stops every process. Idempotent. */
  close(deadline: Deadline): Promise<void>;
}

/** Between telling the address of the new version and ending the old one: whoever calls must have heard of it. */
const LINGER_MS = 1_000;
const DRAIN_MS = 1_000;

/**
 * At most two versions matter: the one that serves, and a newer one that waits until it answers; then it serves, and the
 * older one lingers, drains and ends. So a change of the code loses no call, and code that does not start changes
 * nothing but the condition. A serving version that is down has nothing to lose: the newer one takes its place at once.
 */
export function supervise(context: VersionContext, onReport: (report: Report) => void): Supervisor {
  const { clock, folder } = context;
  const closing = new AbortController();
  const retiring = new Set<Version>();
  let serving: Version | undefined;
  let waiting: Version | undefined;
  let plan: Plan = { type: 'elsewhere' };

  function versionsChanged(): void {
    if (closing.signal.aborted) return;
    if (waiting && (serving?.state().type !== 'ready' || waiting.state().type === 'ready')) {
      const old = serving;
      serving = waiting;
      waiting = undefined;
      report();
      if (old) retire(old);
      return;
    }
    report();
  }

  function report(): void {
    if (plan.type === 'refuse') onReport(notReady(plan.reason, plan.message));
    else onReport(serving ? reportOf(serving.state(), waiting?.state()) : {});
  }

  function run(next: Plan & { type: 'run' }): void {
    if (next.version === (waiting ?? serving)?.plan.version) return;
    if (waiting) retire(waiting);
    waiting = next.version === serving?.plan.version ? undefined : keepRunning(next, context, versionsChanged);
  }

  function retireAll(): void {
    for (const version of [serving, waiting]) if (version) retire(version);
    serving = waiting = undefined;
  }

  function retire(version: Version): void {
    retiring.add(version);
    void end(version);
  }

  async function end(version: Version): Promise<void> {
    if (version.state().type === 'ready') await delay(clock, LINGER_MS, closing.signal);
    if (closing.signal.aborted) return; // `close` ends it, by its own deadline
    await version.stop(clock.monotonic() + version.plan.timeoutMs + DRAIN_MS);
    retiring.delete(version);
    await folder.prune(versions().map(({ plan }) => plan.version)).catch(() => {}); // left for the next time
  }

  const versions = () => [serving, waiting, ...retiring].filter((version) => version !== undefined);

  return {
    follow(next) {
      if (closing.signal.aborted) return;
      plan = next;
      if (next.type === 'run') run(next);
      else retireAll();
      versionsChanged();
    },
    async close(deadline) {
      closing.abort();
      await Promise.all(versions().map((version) => version.stop(deadline)));
    },
  };
}
