const JSON_TYPE = 'application/json';
const OTHER_TYPE = 'application/x-www-form-urlencoded';

/** Above this a body is not parsed: it would hold up the event loop for a header. */
const MAX_PARSED_BYTES = 64 * 1024;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LETTER_N = 0x6e;

/**
 * Kubeless' rule for bodies without a content type: a JSON object, or a literal `null`, is `application/json`; everything
 * else, arrays and numbers included, is `application/x-www-form-urlencoded`. Large bodies are judged by their braces.
 */
export function detectContentType(data: Uint8Array): string {
  const first = data[skipSpace(data, 0, 1)];
  if (first !== OPEN_BRACE && first !== LETTER_N) return OTHER_TYPE;
  if (data.length > MAX_PARSED_BYTES) {
    return first === OPEN_BRACE && data[skipSpace(data, data.length - 1, -1)] === CLOSE_BRACE ? JSON_TYPE : OTHER_TYPE;
  }
  try {
    JSON.parse(textOf(data));
    return JSON_TYPE;
  } catch {
    return OTHER_TYPE;
  }
}

function skipSpace(data: Uint8Array, from: number, step: 1 | -1): number {
  let i = from;
  while (data[i] === 0x20 || data[i] === 0x0a || data[i] === 0x0d || data[i] === 0x09) i += step;
  return i;
}

/** Broken UTF-8 is replaced, not refused, as Go's decoder does, which Kubeless used. */
function textOf(data: Uint8Array): string {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bytes.toString('utf8');
}
