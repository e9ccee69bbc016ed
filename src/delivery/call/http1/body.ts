import type { Head } from './head.ts';

/** An answer's body is read and thrown away up to here; a longer one costs its connection. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_CHUNK_SIZE_DIGITS = 8;

/**
 * - `more`: the body goes on.
 * - `done`: it is over, and the connection stands at the next answer.
 * - `cut`: nobody can say, or wants to wait for, where it ends. The connection cannot be used again.
 */
export type BodyResult = 'more' | 'done' | 'cut';

const CR = 13;
const LF = 10;

/**
 * Finds the end of an answer's body: by length, by chunks (RFC 9112, 7.1), or by the close of the connection. It keeps no
 * more of it than was asked for. Chunks go
 *
 *     size → extension → sizeEnd → data → dataCr → dataLf → size …
 *     size 0 → … sizeEnd → lineStart → (trailer → trailerEnd → lineStart)* → lastEnd
 */
type Place =
  | 'length'
  | 'close'
  | 'size'
  | 'extension'
  | 'sizeEnd'
  | 'data'
  | 'dataCr'
  | 'dataLf'
  | 'lineStart'
  | 'trailer'
  | 'trailerEnd'
  | 'lastEnd';

export class Body {
  /** Offset of the first byte after the body, once it is done. */
  end = 0;
  #place: Place = 'length';
  #left = 0;
  #digits = 0;
  #bytesRead = 0;
  #kept: Uint8Array | undefined;
  #keptBytes = 0;

  /** The first bytes, as many as were asked for or have come. Undefined: none were asked for. */
  get kept(): Uint8Array | undefined {
    return this.#kept?.subarray(0, this.#keptBytes);
  }

  /**
   * Begins the body that this head announces. Anything else than `more` is said at once.
   * @param keep how many of its first bytes are kept
   */
  begin(head: Head, keep: number): BodyResult {
    this.#bytesRead = 0;
    this.#left = 0;
    this.#kept = keep === 0 ? undefined : new Uint8Array(keep);
    this.#keptBytes = 0;
    if (head.status === 204 || head.status === 304) return 'done';
    if (head.chunked) {
      this.#place = 'size';
      this.#digits = 0;
    } else if (head.encoded || head.length < 0) {
      this.#place = 'close';
    } else {
      this.#place = 'length';
      this.#left = head.length;
      if (head.length === 0) return 'done';
      if (head.length > MAX_BODY_BYTES) return 'cut';
    }
    return 'more';
  }

  read(bytes: Uint8Array, from: number, to: number): BodyResult {
    const result = this.#read(bytes, from, to);
    if (result !== 'more') return result;
    this.#bytesRead += to - from;
    return this.#bytesRead > MAX_BODY_BYTES ? 'cut' : 'more';
  }

  #read(bytes: Uint8Array, from: number, to: number): BodyResult {
    switch (this.#place) {
      case 'close':
        this.keep(bytes, from, to);
        return 'more';
      case 'length': {
        const taken = Math.min(this.#left, to - from);
        this.keep(bytes, from, from + taken);
        this.#left -= taken;
        this.end = from + taken;
        return this.#left === 0 ? 'done' : 'more';
      }
      default:
        return this.#chunks(bytes, from, to);
    }
  }

  /** Keeps of these bytes what was asked for and has not come yet. */
  keep(bytes: Uint8Array, from: number, to: number): void {
    if (this.#kept === undefined) return;
    const end = Math.min(to, from + this.#kept.length - this.#keptBytes);
    this.#kept.set(bytes.subarray(from, end), this.#keptBytes);
    this.#keptBytes += end - from;
  }

  #chunks(bytes: Uint8Array, from: number, to: number): BodyResult {
    for (let at = from; at < to; at++) {
      if (this.#place === 'data') {
        const taken = Math.min(this.#left, to - at);
        this.keep(bytes, at, at + taken);
        this.#left -= taken;
        if (this.#left === 0) this.#place = 'dataCr';
        at += taken - 1;
        continue;
      }
      const next = this.#next(bytes[at] ?? 0);
      if (next === undefined) return 'cut';
      if (next === 'end') {
        this.end = at + 1;
        return 'done';
      }
      this.#place = next;
    }
    return 'more';
  }

  /** Where this byte leads; undefined where it may not stand. */
  #next(byte: number): Place | 'end' | undefined {
    switch (this.#place) {
      case 'size':
        return this.#size(byte);
      case 'extension':
        if (byte === CR) return 'sizeEnd';
        return isText(byte) ? 'extension' : undefined;
      case 'sizeEnd':
        if (byte !== LF) return undefined;
        return this.#left === 0 ? 'lineStart' : 'data';
      case 'dataCr':
        return byte === CR ? 'dataLf' : undefined;
      case 'dataLf':
        this.#digits = 0;
        return byte === LF ? 'size' : undefined;
      case 'lineStart':
        if (byte === CR) return 'lastEnd';
        return isText(byte) ? 'trailer' : undefined;
      case 'trailer':
        if (byte === CR) return 'trailerEnd';
        return isText(byte) ? 'trailer' : undefined;
      case 'trailerEnd':
        return byte === LF ? 'lineStart' : undefined;
      case 'lastEnd':
        return byte === LF ? 'end' : undefined;
      case 'data':
      case 'length':
      case 'close':
        return undefined;
      default:
        return this.#place satisfies never;
    }
  }

  #size(byte: number): Place | undefined {
    const value = hexadecimal(byte);
    if (value >= 0) {
      if (++this.#digits > MAX_CHUNK_SIZE_DIGITS) return undefined;
      this.#left = this.#left * 16 + value;
      return 'size';
    }
    if (this.#digits === 0) return undefined;
    if (byte === CR) return 'sizeEnd';
    return byte === SEMICOLON ? 'extension' : undefined;
  }
}

const SEMICOLON = 59;

const isText = (byte: number): boolean => byte === 9 || (byte >= 32 && byte !== 127);

function hexadecimal(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
