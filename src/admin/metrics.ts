import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';

/** `GET /metrics`, in Prometheus' text format. */
export function metricsRoute(app: FastifyInstance, metrics: Pick<Metrics, 'contentType' | 'scrape'>): void {
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.scrape()));
}
