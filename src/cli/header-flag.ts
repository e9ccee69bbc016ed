import { TrigateError } from '../domain/errors.ts';
import { shown } from './names.ts';

/** RFC 9110, 5.6.2: what is no token would not survive as the name of a header of the function's request. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** RFC 9110, 5.5: what HTTP can carry in a value, each character one byte. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What a request says of its own body and connection. */
const OWN = /^(connection|content-length|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/;

/**
 * What `--header name=value`, given any number of times, says. A value may be any text.
 * @throws TrigateError INVALID_ARGUMENT
 */
export function readHeaders(given: readonly string[]): Record<string, string> {
  const headers = given.map((text): [string, string] => {
    const at = text.indexOf('=');
    const name = text.slice(0, at);
    if (at > 0 && TOKEN.test(name)) return [name, text.slice(at + 1)];
    throw invalid(`must be name=value, the name of letters, digits and !#$%&'*+.^_\`|~-, found ${shown(text)}`);
  });
  return Object.fromEntries(headers);
}

/**
 * The same for headers of an HTTP request, by their names in lower case.
 * @throws TrigateError INVALID_ARGUMENT
 */
export function readRequestHeaders(given: readonly string[]): Record<string, string> {
  const headers = Object.entries(readHeaders(given)).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of headers) {
    if (OWN.test(name)) throw invalid(`cannot be ${name}, which the request says of itself`);
    checkHeaderValue(name, value);
  }
  return Object.fromEntries(headers);
}

/** @throws TrigateError INVALID_ARGUMENT for a value that no HTTP request can carry */
export function checkHeaderValue(name: string, value: string): void {
  if (FIELD_VALUE.test(value)) return;
  const found = [...value].find((character) => !FIELD_VALUE.test(character)) ?? '';
  const allowed = 'characters of ISO 8859-1 without line breaks and other control characters';
  throw invalid(`${name} must have a value of ${allowed}, found ${named(found)} in ${shown(value)}`);
}

const invalid = (rest: string): TrigateError => new TrigateError('INVALID_ARGUMENT', `--header ${rest}.`);

/** `U+000D` */
const named = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
