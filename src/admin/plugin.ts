import type { FastifyInstance } from 'fastify';
import type { Clock } from '../domain/clock.ts';
import type { LedgerReport } from '../domain/ledger.ts';
import type { Topics } from '../domain/publish.ts';
import type { Feed } from '../telemetry/feed.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { eventsRoute } from './events.ts';
import type { Readiness } from './health.ts';
import { healthRoutes } from './health.ts';
import { ledgerRoute } from './ledger.ts';
import { metricsRoute } from './metrics.ts';
import { topicsRoutes } from './topics.ts';

export interface AdminOptions {
  readonly clock: Clock;
  readonly feed: Pick<Feed, 'read' | 'cursor' | 'subscribe'>;
  readonly metrics: Pick<Metrics, 'contentType' | 'scrape'>;
  readonly ledger: () => LedgerReport;
  readonly readiness: () => Readiness;
  /** The first is the default; none where events cannot be published. */
  readonly topics: readonly Topics[];
  /** Largest event that can be published: bytes. Default 1 MiB. */
  readonly maxEventBytes?: number;
}

const MIB = 1_048_576;

/** What every gateway and controller serves beside its resources: health, metrics, ledger, events, topics. */
export async function adminApi(app: FastifyInstance, options: AdminOptions): Promise<void> {
  healthRoutes(app, options.readiness);
  metricsRoute(app, options.metrics);
  ledgerRoute(app, options.ledger);
  eventsRoute(app, options);
  topicsRoutes(app, { topics: options.topics, maxEventBytes: options.maxEventBytes ?? MIB });
}
