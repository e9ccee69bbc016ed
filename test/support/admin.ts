import type { FastifyInstance } from 'fastify';
import type { GuardOptions } from '../../src/admin/guard.ts';
import { type AdminOptions, adminApi } from '../../src/admin/plugin.ts';
import { createServer } from '../../src/admin/server.ts';
import { Feed } from '../../src/telemetry/feed.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { ManualClock } from './manual-clock.ts';

export interface AdminServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly feed: Feed;
  readonly clock: ManualClock;
  /** Lines of its log. */
  readonly logged: readonly string[];
}

/** The admin API as a gateway composes it, over parts that a test moves by hand. */
export async function adminServer(
  options: Partial<AdminOptions> & { readonly guard?: GuardOptions; readonly feedRows?: number } = {},
): Promise<AdminServer> {
  const { guard = {}, feedRows = 1_000, ...parts } = options;
  const clock = new ManualClock();
  const feed = new Feed({ clock, capacity: feedRows });
  const logged: string[] = [];
  const log = createLog({ level: 'info', tty: false, stream: { write: (line) => logged.push(line) } });
  const ledger = () => ({ balanced: true, triggers: [] });
  const metrics = createMetrics({ version: 'test', ledger, triggers: () => [], sources: () => [], process: false });
  const readiness = () => ({ ready: true, checks: [] });
  const app = createServer({ log, guard });
  await app.register(adminApi, { clock, feed, metrics, ledger, readiness, topics: [], ...parts });
  return { app, feed, clock, logged, [Symbol.asyncDispose]: () => app.close() };
}
