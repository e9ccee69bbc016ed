import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../domain/errors.ts';
import { TrigateError } from '../domain/errors.ts';
import type { Logger } from '../domain/kind.ts';

/** `application/problem+json` of RFC 9457, with the stable code of the catalogue. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
}

/** Answers every error of a server as a problem; what is nobody's fault but ours is logged and not shown. */
export function errorAnswer(log: Logger) {
  return (error: FastifyError | TrigateError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error, request);
    if (problem.status >= 500 && !(error instanceof TrigateError))
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed');
    return reply.code(problem.status).type('application/problem+json').send(problem);
  };
}

export function notFound(request: FastifyRequest): never {
  throw new TrigateError('NOT_FOUND', `There is no ${request.method} ${request.url.split('?', 1)[0]} here.`);
}

function problemOf(error: FastifyError | TrigateError, request: FastifyRequest): Problem {
  if (error instanceof TrigateError) return problem(error.status, error.code, error.message);
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500)
    return problem(500, 'INTERNAL', 'The request failed inside the gateway; its log says why.');
  return problem(status, codeOfStatus(status), sentenceOf(error, request));
}

function problem(status: number, code: ErrorCode, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code };
}

function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 404:
      return 'NOT_FOUND';
    case 413:
      return 'TOO_LARGE';
    case 415:
      return 'UNSUPPORTED_MEDIA_TYPE';
    default:
      return 'INVALID_ARGUMENT';
  }
}

/** Fastify's own words say what was found, ours also say what is allowed. */
function sentenceOf(error: FastifyError, request: FastifyRequest): string {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return `The body is larger than the ${request.routeOptions.bodyLimit} bytes that are allowed here.`;
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return `content-type must be a valid media type that is taken here (application/json, unless the body is an event), found ${JSON.stringify(request.headers['content-type'] ?? 'none')}.`;
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return 'The body must be JSON, as its content-type says.';
    default:
      return error.message;
  }
}
