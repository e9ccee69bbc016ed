import type { FastifyInstance } from 'fastify';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** One sentence. */
  readonly message: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly Check[];
}

/** `GET /livez`: the process answers. `GET /readyz`: it can do its work; 503 says what it cannot. */
export function healthRoutes(app: FastifyInstance, readiness: () => Readiness): void {
  app.get('/livez', async (_request, reply) => reply.header('cache-control', 'no-store').send({ live: true }));

  app.get('/readyz', async (_request, reply) => {
    const answer = readiness();
    return reply
      .header('cache-control', 'no-store')
      .code(answer.ready ? 200 : 503)
      .send(answer);
  });
}
