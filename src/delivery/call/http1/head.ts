/*
 * The head of an answer, read strictly (RFC 9112): whoever writes lines that two readers could take for different things
 * (both lengths, a length twice, folded lines, a bare CR or LF) is not understood at all.
 */

const MAX_HEAD_BYTES = 16 * 1024;
const MAX_LINES = 100;
/** A length with more digits is no length. */
const MAX_LENGTH_DIGITS = 15;

const CR = 13;
const LF = 10;
const TAB = 9;
const SPACE = 32;
const COLON = 58;
const COMMA = 44;

/** What came of looking for the end of a head. */
export type HeadResult = 'complete' | 'incomplete' | 'malformed';

/** What the head of one answer says, as far as a caller has to know it. Used again for each answer of a connection. */
export class Head {
  status = 0;
  /** Offset of the first byte after the head. */
  end = 0;
  /** `Content-Length`; -1 without one. */
  length = -1;
  /** Whether a `Transfer-Encoding` was there, and whether it is `chunked` alone. */
  encoded = false;
  chunked = false;
  /** The connection may be used again. */
  persistent = false;
  /** Of a `Keep-Alive` header, in seconds; -1 without one. */
  keepAlive = -1;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #to = 0;

  /** Reads a whole head from `from`, or finds that it is not whole yet. */
  read(bytes: Uint8Array, from: number, to: number): HeadResult {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = Math.min(to, from + MAX_HEAD_BYTES);
    const result = this.#statusLine() ?? this.#fields();
    this.#bytes = NOTHING;
    if (result !== 'incomplete') return result;
    return to - from >= MAX_HEAD_BYTES ? 'malformed' : 'incomplete';
  }

  /** `HTTP/1.1 200 OK`; the reason may be missing. */
  #statusLine(): HeadResult | undefined {
    const bytes = this.#bytes;
    const from = this.#at;
    const known = Math.min(this.#to - from, PREFIX.length);
    for (let i = 0; i < known; i++) if (bytes[from + i] !== PREFIX[i]) return 'malformed';
    if (this.#to - from < 13) return 'incomplete';
    const minor = digit(bytes[from + 7]);
    const hundreds = digit(bytes[from + 9]);
    const tens = digit(bytes[from + 10]);
    const ones = digit(bytes[from + 11]);
    const after = bytes[from + 12];
    if ((minor !== 0 && minor !== 1) || bytes[from + 8] !== SPACE) return 'malformed';
    if (hundreds < 1 || tens < 0 || ones < 0 || (after !== SPACE && after !== CR)) return 'malformed';
    this.status = hundreds * 100 + tens * 10 + ones;
    this.length = -1;
    this.encoded = false;
    this.chunked = false;
    this.persistent = minor === 1;
    this.keepAlive = -1;
    return this.#lineEnd(from + 12);
  }

  #fields(): HeadResult {
    const bytes = this.#bytes;
    for (let lines = 0; lines <= MAX_LINES; lines++) {
      const from = this.#at;
      if (bytes[from] === CR && from < this.#to) return this.#emptyLine(from);
      let at = from;
      while (at < this.#to && ((KINDS[bytes[at] ?? 0] ?? 0) & IN_NAME) !== 0) at++;
      if (at >= this.#to) return 'incomplete';
      if (bytes[at] !== COLON || at === from) return 'malformed';
      const ended = this.#lineEnd(at + 1);
      if (ended !== undefined) return ended;
      if (!this.#field(from, at, this.#at - 2)) return 'malformed';
    }
    return 'malformed';
  }

  #emptyLine(at: number): HeadResult {
    if (at + 1 >= this.#to) return 'incomplete';
    if (this.#bytes[at + 1] !== LF) return 'malformed';
    this.end = at + 2;
    return this.encoded && this.length >= 0 ? 'malformed' : 'complete';
  }

  /** Goes to the next line. */
  #lineEnd(from: number): HeadResult | undefined {
    const bytes = this.#bytes;
    let at = from;
    while (at < this.#to && ((KINDS[bytes[at] ?? 0] ?? 0) & IN_VALUE) !== 0) at++;
    if (at + 1 >= this.#to) return at < this.#to && bytes[at] !== CR ? 'malformed' : 'incomplete';
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'malformed';
    this.#at = at + 2;
    return undefined;
  }

  /** @returns false for a field that must not be there, or not like that */
  #field(from: number, colon: number, lineEnd: number): boolean {
    const name = colon - from;
    if (name !== 10 && name !== 14 && name !== 17) return true;
    let start = colon + 1;
    let end = lineEnd;
    while (start < end && isBlank(this.#bytes[start])) start++;
    while (end > start && isBlank(this.#bytes[end - 1])) end--;
    if (name === 14) return !this.#is(from, CONTENT_LENGTH) || this.#contentLength(start, end);
    if (name === 17) return !this.#is(from, TRANSFER_ENCODING) || this.#transferEncoding(start, end);
    if (this.#is(from, CONNECTION)) this.#connection(start, end);
    else if (this.#is(from, KEEP_ALIVE)) this.#keepAlive(start, end);
    return true;
  }

  #contentLength(start: number, end: number): boolean {
    if (this.length >= 0 || end === start || end - start > MAX_LENGTH_DIGITS) return false;
    let length = 0;
    for (let at = start; at < end; at++) {
      const value = digit(this.#bytes[at]);
      if (value < 0) return false;
      length = length * 10 + value;
    }
    this.length = length;
    return true;
  }

  #transferEncoding(start: number, end: number): boolean {
    if (this.encoded) return false;
    this.encoded = true;
    this.chunked = end - start === CHUNKED.length && this.#is(start, CHUNKED);
    return true;
  }

  /** A list of options; `close` has the last word. */
  #connection(start: number, end: number): void {
    for (let from = start; from < end; ) {
      let to = from;
      while (to < end && this.#bytes[to] !== COMMA) to++;
      let last = to;
      while (from < last && isBlank(this.#bytes[from])) from++;
      while (last > from && isBlank(this.#bytes[last - 1])) last--;
      const size = last - from;
      if (size === CLOSE.length && this.#is(from, CLOSE)) this.#closes();
      else if (size === KEEP_ALIVE.length && this.#is(from, KEEP_ALIVE)) this.#persists();
      from = to + 1;
    }
  }

  #closes(): void {
    this.persistent = false;
    this.keepAlive = 0;
  }

  #persists(): void {
    this.persistent = this.keepAlive !== 0;
  }

  /** `timeout=5, max=100` */
  #keepAlive(start: number, end: number): void {
    let from = start;
    while (from + TIMEOUT.length < end && !this.#is(from, TIMEOUT)) from++;
    let seconds = -1;
    for (let at = from + TIMEOUT.length; at < end; at++) {
      const value = digit(this.#bytes[at]);
      if (value < 0) break;
      seconds = Math.min(1e6, Math.max(0, seconds) * 10 + value);
    }
    if (seconds < 0 || this.keepAlive === 0) return;
    if (seconds === 0) this.#closes();
    else this.keepAlive = seconds;
  }

  /** Without regard to case. */
  #is(from: number, text: Uint8Array): boolean {
    for (let i = 0; i < text.length; i++)
      if (((this.#bytes[from + i] ?? 0) | 0x20) !== ((text[i] ?? 0) | 0x20)) return false;
    return true;
  }
}

/** What may stand in a name, and in a value. */
const IN_NAME = 1;
const IN_VALUE = 2;
const KINDS = byteKinds();

const NOTHING = new Uint8Array(0);
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const PREFIX = ascii('HTTP/1.');
const CONTENT_LENGTH = ascii('content-length');
const TRANSFER_ENCODING = ascii('transfer-encoding');
const CONNECTION = ascii('connection');
const KEEP_ALIVE = ascii('keep-alive');
const CHUNKED = ascii('chunked');
const CLOSE = ascii('close');
const TIMEOUT = ascii('timeout=');

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;
const digit = (byte: number | undefined): number => (byte !== undefined && byte >= 48 && byte <= 57 ? byte - 48 : -1);

function byteKinds(): Uint8Array {
  const kinds = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const isValue = byte === TAB || (byte >= SPACE && byte !== 127);
    if (isValue) kinds[byte] = IN_VALUE;
  }
  for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    kinds[character.charCodeAt(0)] = IN_VALUE | IN_NAME;
  return kinds;
}
