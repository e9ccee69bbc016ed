import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { LedgerReport } from '../domain/ledger.ts';
import { parseInput } from './input.ts';

const nothing = z.strictObject({});

/** `GET /v1/ledger`: the counts of every trigger and function, and whether they balance. */
export function ledgerRoute(app: FastifyInstance, ledger: () => LedgerReport): void {
  app.get('/v1/ledger', async (request, reply) => {
    parseInput(nothing, request.query, 'the query');
    return reply.header('cache-control', 'no-store').send(ledger());
  });
}
