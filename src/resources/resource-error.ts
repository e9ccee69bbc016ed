import { z } from 'zod';
import type { ErrorCode } from '../domain/errors.ts';
import { TrigateError } from '../domain/errors.ts';

/** The part of `metav1.Status` that says what went wrong. */
export const statusBody = z.looseObject({
  kind: z.literal('Status'),
  reason: z.string().optional(),
  message: z.string().optional(),
  code: z.number().optional(),
  details: z.looseObject({ retryAfterSeconds: z.number().optional() }).nullish(),
});

/** The API server refused. `reason` is its own word (`Status.reason`). */
export class ResourceError extends TrigateError {
  readonly reason: string | undefined;
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: { reason?: string | undefined; retryAfter?: number | undefined },
  ) {
    super(code, message);
    this.reason = details.reason;
    this.retryAfter = details.retryAfter;
  }
}

/**
 * Only the reason tells ALREADY_EXISTS from CONFLICT: both are 409. Whatever passes by itself (busy, "too large resource
 * version", a proxy without its server) is GATEWAY_UNREACHABLE: worth another try, no reason to list again.
 */
const byReason: Readonly<Record<string, ErrorCode>> = {
  NotFound: 'NOT_FOUND',
  AlreadyExists: 'ALREADY_EXISTS',
  Conflict: 'CONFLICT',
  Expired: 'EXPIRED',
  Gone: 'EXPIRED',
  Invalid: 'INVALID_MANIFEST',
  BadRequest: 'INVALID_ARGUMENT',
  MethodNotAllowed: 'INVALID_ARGUMENT',
  Unauthorized: 'UNAUTHORIZED',
  Forbidden: 'FORBIDDEN',
  RequestEntityTooLarge: 'TOO_LARGE',
  UnsupportedMediaType: 'UNSUPPORTED_MEDIA_TYPE',
  InternalError: 'INTERNAL',
};

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'INVALID_ARGUMENT',
  409: 'CONFLICT',
  410: 'EXPIRED',
  413: 'TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'INVALID_MANIFEST',
  500: 'INTERNAL',
};

/**
 * What an answer other than 2xx, or an `ERROR` event of a watch, means.
 * @param what names the request for a sentence when the server gave none: `GET http://…`
 * @param retryAfter the header of that name
 */
export function errorFromStatus(
  status: number | undefined,
  body: unknown,
  what: string,
  retryAfter?: string,
): ResourceError {
  const parsed = statusBody.safeParse(body);
  const { reason, message, code, details } = parsed.success ? parsed.data : {};
  const number = status ?? code ?? 500;
  const seconds = Number(retryAfter ?? details?.retryAfterSeconds);
  return new ResourceError(
    byReason[reason ?? ''] ?? byStatus[number] ?? 'GATEWAY_UNREACHABLE',
    message || `${what} was answered with status ${number}.`,
    { reason, retryAfter: Number.isFinite(seconds) ? seconds * 1000 : undefined },
  );
}

/** A 2xx answer that is not what the API promises: no API server, or not a whole one. */
export const unreadable = (message: string): ResourceError => new ResourceError('INTERNAL', message, {});
