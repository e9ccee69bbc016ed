import { z } from 'zod';
import { type ErrorCode, errorCodes, TrigateError } from '../domain/errors.ts';
import { parseJson } from '../resources/json.ts';

/** A problem body (RFC 9457) with our code, or a Kubernetes `Status`. */
const problem = z.object({
  code: z.union([z.string(), z.number()]).optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
  message: z.string().optional(),
});

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'INVALID_MANIFEST',
  501: 'NOT_IMPLEMENTED',
  503: 'BROKER_UNREACHABLE',
};

/** The sentence and the code that an answer other than 2xx carries. */
export function errorFromAnswer(status: number, text: string, url: URL): TrigateError {
  const body = problem.safeParse(parseJson(text));
  const { code, detail, message, title } = body.success ? body.data : {};
  const known = errorCodes.find((each) => each === code) ?? byStatus[status] ?? 'INTERNAL';
  return new TrigateError(
    known,
    detail ?? message ?? title ?? `${url.origin} answered ${url.pathname} with status ${status}.`,
  );
}
