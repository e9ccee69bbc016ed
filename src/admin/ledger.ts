import type { FastifyInstance } from 'fastify';
import type { LedgerReport } from '../domain/ledger.ts';

/** `GET /v1/ledger`: the counts of every trigger and function, and whether they balance. */
export function ledgerRoute(app: FastifyInstance, ledger: () => LedgerReport): void {
  app.get('/v1/ledger', async (_request, reply) => reply.header('cache-control', 'no-store').send(ledger()));
}
