/*
 * Whether bytes are JSON (RFC 8259), without making anything of them. `JSON.parse` takes twice as long for a body of some
 * fields, for a text and objects that nobody looks at, and this is asked of each event that comes without a content type.
 *
 * The rules are those of `JSON.parse` on the text of the bytes. Outside of strings JSON is ASCII; inside of them each byte
 * from 0x80 on is part of some character, or of what is replaced by one, so UTF-8 need not be decoded.
 *
 * Each function takes where something begins and returns where it ends, or `NONE` where it is not there. Behind the end
 * bytes are read as 0, which nothing begins with.
 */

const NONE = -1;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const codes = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
const isEscape = tableOf(codes('"\\/bfnrt'));
const isHex = tableOf(codes('0123456789abcdefABCDEF'));
/** What may stand in a string as it is: not even the end of the bytes, read as 0, is in it. */
const isPlain = tableOf([...Array(256).keys()].filter((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH));
const literals = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), codes(word)]));

/**
 * What closes the objects and arrays around, innermost last. Kept: to make one for each body takes as long as to read it. It
 * grows to what the deepest body took, and callers bound their length.
 */
const closing: number[] = [];

/** Whether the bytes are one JSON value, with space around it. However deep it nests, it takes no stack. */
export function isJson(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let at = skipSpace(bytes, 0); at !== NONE; ) {
    const first = bytes[at];
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      const close = first === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== close) {
        closing[depth++] = close;
        if (close === CLOSE_BRACE) at = endOfName(bytes, at);
        continue;
      }
      at++;
    } else {
      at = endOfScalar(bytes, at);
    }
    // A value has ended, and maybe what is around it.
    for (let isOpen = true; isOpen; ) {
      if (at === NONE) return false;
      at = skipSpace(bytes, at);
      if (depth === 0) return at === bytes.length;
      const close = closing[depth - 1];
      const next = bytes[at++];
      if (next === close) {
        depth--;
      } else if (next === COMMA) {
        at = skipSpace(bytes, at);
        if (close === CLOSE_BRACE) at = endOfName(bytes, at);
        isOpen = false;
      } else {
        return false;
      }
    }
  }
  return false;
}

/** Where the first byte is that is not space. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x20 || !isSpace(byte)) return at;
  }
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The name of a member, its colon, and the space behind. */
function endOfName(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== QUOTE) return NONE;
  const end = endOfString(bytes, from + 1);
  if (end === NONE) return NONE;
  const at = skipSpace(bytes, end);
  return bytes[at] === COLON ? skipSpace(bytes, at + 1) : NONE;
}

function endOfScalar(bytes: Uint8Array, from: number): number {
  const first = bytes[from] ?? 0;
  if (first === QUOTE) return endOfString(bytes, from + 1);
  if (first === MINUS || isDigit(first)) return endOfNumber(bytes, from);
  const word = literals.get(first);
  if (word === undefined) return NONE;
  for (let i = 1; i < word.length; i++) if (bytes[from + i] !== word[i]) return NONE;
  return from + word.length;
}

/** @param from behind its quote */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    // Most bytes of a body are passed over here.
    while (isPlain[bytes[at] ?? 0] === 1) at++;
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] !== BACKSLASH) return NONE;
    at = endOfEscape(bytes, at + 1);
    if (at === NONE) return NONE;
  }
}

/** @param from behind its backslash */
function endOfEscape(bytes: Uint8Array, from: number): number {
  const escaped = bytes[from] ?? 0;
  if (escaped !== LETTER_U) return isEscape[escaped] === 1 ? from + 1 : NONE;
  const end = from + 5;
  for (let at = from + 1; at < end; at++) if (isHex[bytes[at] ?? 0] === 0) return NONE;
  return end;
}

function endOfNumber(bytes: Uint8Array, from: number): number {
  const start = bytes[from] === MINUS ? from + 1 : from;
  let at = bytes[start] === ZERO ? start + 1 : endOfDigits(bytes, start);
  if (at !== NONE && bytes[at] === POINT) at = endOfDigits(bytes, at + 1);
  const exponent = at === NONE ? 0 : (bytes[at] ?? 0) | 0x20;
  if (exponent !== 0x65) return at;
  const sign = bytes[at + 1];
  return endOfDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** One digit at least. */
function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at] ?? 0)) at++;
  return at === from ? NONE : at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function tableOf(bytes: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}
