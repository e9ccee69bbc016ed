import type { Issue, ResourceType } from '../../domain/resource.ts';
import { fieldName } from '../../domain/schema.ts';
import { resourceName } from '../../resources/path.ts';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** `metav1.Status`: what the API answers when there is no object to answer with. */
export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: object;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code: number;
}

/** A refusal of the API, with the Status that says it. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly body: StatusBody;

  constructor(code: number, reason: string, message: string, details?: StatusBody['details']) {
    super(message);
    this.body = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code,
    };
  }
}

/** What `kubectl delete` reads: which object went, by its uid. */
export const success = (details: StatusBody['details']): StatusBody => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details && { details }),
  code: 200,
});

type Named = Pick<ResourceType, 'group' | 'plural'>;
const detailsOf = (type: Named, name: string) => ({ name, group: type.group, kind: type.plural });

export const notFound = (type: Named, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${resourceName(type)} "${name}" not found`, detailsOf(type, name));

export const unknownPath = (path: string): StatusError =>
  new StatusError(404, 'NotFound', `the server could not find the requested resource: nothing is served at ${path}`);

export const alreadyExists = (type: Named, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${resourceName(type)} "${name}" already exists`, detailsOf(type, name));

export const conflict = (type: Named, name: string, why: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `operation cannot be fulfilled on ${resourceName(type)} "${name}": ${why}`,
    detailsOf(type, name),
  );

export const modified = (type: Named, name: string): StatusError =>
  conflict(type, name, 'the object has been modified; please apply your changes to the latest version and try again');

/** All issues as causes, and as one sentence for whoever shows only the message. */
export const invalid = (type: ResourceType, name: string, issues: readonly Issue[]): StatusError =>
  new StatusError(
    422,
    'Invalid',
    `${type.kind} "${name}" is invalid: ${issues.map((issue) => `${fieldName(issue.path)} ${issue.message}`).join('; ')}`,
    {
      name,
      group: type.group,
      kind: type.kind,
      causes: issues.map(({ path, message }) => ({ reason: 'FieldValueInvalid', message, field: fieldName(path) })),
    },
  );

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);
export const forbidden = (message: string): StatusError => new StatusError(403, 'Forbidden', message);
export const notAcceptable = (message: string): StatusError => new StatusError(406, 'NotAcceptable', message);
export const unsupportedMediaType = (message: string): StatusError =>
  new StatusError(415, 'UnsupportedMediaType', message);

export const methodNotAllowed = (method: string, path: string): StatusError =>
  new StatusError(405, 'MethodNotAllowed', `the method ${method} is not allowed on ${path}`);

export const expired = (version: number, oldest: number): StatusError =>
  new StatusError(410, 'Expired', `too old resource version: ${version} (${oldest})`);

/** The words are Kubernetes' own: clients look for them. */
export const tooLargeVersion = (version: number, current: number): StatusError =>
  new StatusError(504, 'Timeout', `Too large resource version: ${version}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
