import { isJson, isSpace, skipSpace } from './json.ts';

const JSON_TYPE = 'application/json';
const OTHER_TYPE = 'application/x-www-form-urlencoded';

/** Above this a body is not read: it would hold up the event loop for a header. */
const MAX_READ_BYTES = 64 * 1024;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LETTER_N = 0x6e;

/**
 * Kubeless' rule for bodies without a content type: a JSON object, or a literal `null`, is `application/json`; everything
 * else, arrays and numbers included, is `application/x-www-form-urlencoded`. Broken UTF-8 is no fault, as with Go's decoder,
 * which Kubeless used. Large bodies are judged by their braces.
 */
export function detectContentType(data: Uint8Array): string {
  const first = data[skipSpace(data, 0)];
  if (first !== OPEN_BRACE && first !== LETTER_N) return OTHER_TYPE;
  const isObject = data.length > MAX_READ_BYTES ? isInBraces(first, data) : isJson(data);
  return isObject ? JSON_TYPE : OTHER_TYPE;
}

function isInBraces(first: number, data: Uint8Array): boolean {
  return first === OPEN_BRACE && data[lastOf(data)] === CLOSE_BRACE;
}

/** Where the last byte is that is not space. */
function lastOf(data: Uint8Array): number {
  let at = data.length - 1;
  while (isSpace(data[at])) at--;
  return at;
}
