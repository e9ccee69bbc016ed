import type { FastifyInstance } from 'fastify';
import { TrigateError } from '../domain/errors.ts';

const PORTS_TO_TRY = 50;

/**
 * Listens on the port; when it is taken and nobody asked for this very one, on the next free one.
 * @returns the port
 * @throws TrigateError PORT_IN_USE
 */
export async function listen(app: FastifyInstance, host: string, port: number, given: boolean): Promise<number> {
  const last = given || port === 0 ? port : Math.min(port + PORTS_TO_TRY, 65_535);
  for (let candidate = port; ; candidate++) {
    try {
      await app.listen({ host, port: candidate });
      return boundPort(app);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      if (candidate < last) continue;
      const range = given ? `port ${port} is taken` : `the ports ${port} to ${last} are taken`;
      throw new TrigateError(
        'PORT_IN_USE',
        `${range} on ${host}: choose another one with --port, or 0 for a free one.`,
      );
    }
  }
}

function boundPort(app: FastifyInstance): number {
  const address = app.server.address();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new TrigateError('INTERNAL', 'the server listens on no port');
}
