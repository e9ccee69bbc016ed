import { type FastifyInstance, fastify } from 'fastify';
import type { Logger } from '../domain/kind.ts';
import type { GuardOptions } from './guard.ts';
import { guard } from './guard.ts';
import { errorAnswer, notFound } from './problem.ts';

export interface ServerOptions {
  readonly log: Logger;
  readonly guard: GuardOptions;
}

/** A Kafka topic's name has up to 249 characters; the rest is room for a sentence about a longer one. */
const MAX_PARAM_LENGTH = 1024;

/**
 * The HTTP server of a gateway or controller: guarded, answering errors as problems, and empty. Everything that it
 * serves is registered afterwards; a plugin with a prefix may have its own error and not-found handler.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const answer = errorAnswer(options.log);
  const app = fastify({
    logger: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => void answer(error, request, reply),
  });
  guard(app, options.guard);
  app.setErrorHandler(answer);
  app.setNotFoundHandler(notFound);
  return app;
}
