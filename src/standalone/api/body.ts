import { parse } from 'yaml';
import { assertNotTooDeep } from './depth.ts';
import { badRequest, unsupportedMediaType } from './status.ts';

export const BODY_LIMIT = 3 * 1024 * 1024;

/** A request body with its media type, which says how a PATCH is meant. */
export interface RequestBody {
  readonly mediaType: string;
  readonly document: unknown;
}

const isJson = (mediaType: string): boolean => /^application\/([\w.-]+\+)?json$/.test(mediaType);

/**
 * @returns `document` is undefined when there is no body
 * @throws StatusError 400 or 415
 */
export function readBody(bytes: unknown, contentType: string | undefined): RequestBody {
  // curl and old clients send JSON without saying so.
  const mediaType = (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
  const text = bytes instanceof Uint8Array ? Buffer.from(bytes).toString('utf8') : '';
  if (text === '') return { mediaType, document: undefined };
  const document = readDocument(text, mediaType);
  assertNotTooDeep(document, 'the body');
  return { mediaType, document };
}

function readDocument(text: string, mediaType: string): unknown {
  if (isJson(mediaType)) return attempt(() => JSON.parse(text), 'JSON');
  if (mediaType === 'application/yaml') return attempt(() => parse(text, { maxAliasCount: 100 }), 'YAML');
  throw unsupportedMediaType(
    `the body of the request was in the unknown format "${mediaType}" - accepted media types include: application/json, application/yaml`,
  );
}

/** The parser's own message may quote the body, and a body may be a secret. */
function attempt(read: () => unknown, format: string): unknown {
  try {
    return read();
  } catch {
    throw badRequest(`the body of the request is not ${format}`);
  }
}
