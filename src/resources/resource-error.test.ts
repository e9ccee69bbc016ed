import { describe, expect, test } from 'vitest';
import { createBackoff } from './backoff.ts';
import { errorFromStatus } from './resource-error.ts';

const status = (reason: string, code: number, more: object = {}) => ({
  kind: 'Status',
  status: 'Failure',
  message: 'the sentence of the server',
  reason,
  code,
  ...more,
});

describe('errorFromStatus', () => {
  test.each([
    ['NotFound', 404, 'NOT_FOUND'],
    ['AlreadyExists', 409, 'ALREADY_EXISTS'],
    ['Conflict', 409, 'CONFLICT'],
    ['Expired', 410, 'EXPIRED'],
    ['Gone', 410, 'EXPIRED'],
    ['Invalid', 422, 'INVALID_MANIFEST'],
    ['Unauthorized', 401, 'UNAUTHORIZED'],
    ['Forbidden', 403, 'FORBIDDEN'],
    ['TooManyRequests', 429, 'GATEWAY_UNREACHABLE'],
    ['Timeout', 504, 'GATEWAY_UNREACHABLE'],
    ['InternalError', 500, 'INTERNAL'],
  ] as const)('reason %s is %s %s, with the sentence of the server', (reason, code, wanted) => {
    const error = errorFromStatus(code, status(reason, code), 'GET http://x/apis');
    expect(error).toMatchObject({ code: wanted, reason, message: 'the sentence of the server' });
  });

  test('an ERROR event has its code in the body alone', () => {
    expect(errorFromStatus(undefined, status('', 410), 'GET x').code).toBe('EXPIRED');
  });

  test('an answer that is no Status names the request', () => {
    const error = errorFromStatus(502, undefined, 'GET http://x/apis');
    expect(error).toMatchObject({
      code: 'GATEWAY_UNREACHABLE',
      message: 'GET http://x/apis was answered with status 502.',
    });
  });

  test('the header Retry-After wins over the body, in milliseconds', () => {
    const body = status('TooManyRequests', 429, { details: { retryAfterSeconds: 3 } });
    expect(errorFromStatus(429, body, '', '7').retryAfter).toBe(7_000);
    expect(errorFromStatus(429, body, '').retryAfter).toBe(3_000);
    expect(errorFromStatus(429, undefined, '').retryAfter).toBeUndefined();
  });
});

test('pauses grow up to the longest, jittered, and start again after success', () => {
  const least = createBackoff({ first: 100, longest: 1_000, random: () => 0 });
  expect(Array.from({ length: 6 }, () => least.next())).toEqual([50, 100, 200, 400, 500, 500]);
  least.reset();
  expect(least.next()).toBe(50);
  const most = createBackoff({ first: 100, longest: 1_000, random: () => 0.5 });
  expect(most.next()).toBe(75);
});
