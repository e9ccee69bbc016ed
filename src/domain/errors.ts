/**
 * The catalogue of errors that people see. A code is stable; the sentence says which field, what was found and what is
 * allowed. `status` is the answer on HTTP, where the error has one.
 */
const catalogue = {
  INVALID_MANIFEST: { status: 422 },
  INVALID_ARGUMENT: { status: 400 },
  INVALID_CONFIG: { status: 500 },
  UNAUTHORIZED: { status: 401 },
  FORBIDDEN: { status: 403 },
  NOT_FOUND: { status: 404 },
  ALREADY_EXISTS: { status: 409 },
  CONFLICT: { status: 409 },
  EXPIRED: { status: 410 },
  TOO_LARGE: { status: 413 },
  UNSUPPORTED_MEDIA_TYPE: { status: 415 },
  DATA_DIR_IN_USE: { status: 500 },
  PORT_IN_USE: { status: 500 },
  UNSUPPORTED_NODE: { status: 500 },
  BROKER_UNREACHABLE: { status: 503 },
  GATEWAY_UNREACHABLE: { status: 503 },
  CLAIM_IN_DOUBT: { status: 503 },
  SOURCE_STALLED: { status: 503 },
  NOT_IMPLEMENTED: { status: 501 },
  INTERNAL: { status: 500 },
} as const satisfies Record<string, { status: number }>;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes = Object.keys(catalogue) as ErrorCode[];

/** An error with a stable code and a sentence for a person. */
export class TrigateError extends Error {
  override readonly name = 'TrigateError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** HTTP status that this error answers with. */
  get status(): number {
    return catalogue[this.code].status;
  }
}

/** Any thrown value as an Error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
