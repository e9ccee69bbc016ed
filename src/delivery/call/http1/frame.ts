import type { OutgoingRequest } from '../call.ts';

/** Room for a head and a small body. */
const LEAST_BYTES = 1024;
/** Up to here a loop over its letters is faster than a call into Node.js. */
const SHORT_TEXT = 64;

/** How requests with one list of common headers begin. */
export interface Start extends Pick<OutgoingRequest, 'method' | 'path' | 'common'> {
  /** Request line and common headers, without their last line end. */
  readonly bytes: Uint8Array;
}

/**
 * Where requests are put together, one after the other in the same place:
 *
 *     start · name: value … · content-length: digits · body
 *
 * A socket hands what it is given to the kernel at once, nearly always all of it, so the next request can stand where the
 * last one stood. Most have the same start, and the same headers with values of the same lengths: then only values that
 * differ are written. And these few cache lines stay warm: from memory that was new for each request the kernel alone took
 * half a microsecond to copy.
 */
export class Frame {
  /** Of the last request, as all that follows. */
  #start: Start | undefined;
  #headers: readonly string[] = [];
  #length = '';
  /** Where the values of its headers stand, its length, and its body. */
  readonly #valuesAt: number[] = [];
  #lengthAt = 0;
  #bodyAt = 0;
  #view: Buffer = NOTHING;
  #memory: Buffer = NOTHING;

  /**
   * Puts a request together. It stands there until the next one, unless `leave` is called before.
   * @param body what of its body follows the head
   */
  write(start: Start, { headers, body: whole }: OutgoingRequest, body: Uint8Array): Buffer {
    const length = start.method === 'GET' && whole.length === 0 ? '' : String(whole.length);
    if (start === this.#start && this.#fits(headers, length, body.length)) this.#fill(headers, length);
    else this.#layOut(start, headers, length, body.length);
    this.#headers = headers;
    this.#length = length;
    const end = this.#bodyAt + body.length;
    if (this.#view.length !== end) this.#view = this.#memory.subarray(0, end);
    this.#view.set(body, this.#bodyAt);
    return this.#view;
  }

  /** What was written last is still read: the next one is written elsewhere. */
  leave(): void {
    this.#start = undefined;
    this.#memory = NOTHING;
    this.#view = NOTHING;
  }

  /** Whether it differs from the last one only in what stands at its places. */
  #fits(headers: readonly string[], length: string, bodyLength: number): boolean {
    const last = this.#headers;
    if (this.#bodyAt + bodyLength > this.#memory.length) return false;
    if (headers.length !== last.length || length.length !== this.#length.length) return false;
    for (let i = 0; i < headers.length; i += 2)
      if (headers[i] !== last[i] || headers[i + 1]?.length !== last[i + 1]?.length) return false;
    return true;
  }

  #fill(headers: readonly string[], length: string): void {
    const last = this.#headers;
    const memory = this.#memory;
    for (let i = 1; i < headers.length; i += 2)
      if (headers[i] !== last[i]) put(memory, headers[i] ?? '', this.#valuesAt[i >> 1] ?? 0);
    if (length !== this.#length) put(memory, length, this.#lengthAt);
  }

  #layOut(start: Start, headers: readonly string[], length: string, bodyLength: number): void {
    const from = start.bytes.length;
    let rest = '';
    // Until all of it stands, nothing does: there may be no memory for it.
    this.#start = undefined;
    for (let i = 0; i < headers.length; i += 2) {
      rest += `\r\n${headers[i]}: `;
      this.#valuesAt[i >> 1] = from + rest.length;
      rest += headers[i + 1];
    }
    if (length !== '') rest += '\r\ncontent-length: ';
    this.#lengthAt = from + rest.length;
    rest += `${length}\r\n\r\n`;
    this.#bodyAt = from + rest.length;
    this.#makeRoom(this.#bodyAt + bodyLength);
    this.#memory.set(start.bytes);
    this.#memory.write(rest, from, rest.length, 'latin1');
    this.#start = start;
  }

  #makeRoom(end: number): void {
    if (end <= this.#memory.length) return;
    // Twice as much, so that a longer one has room as well.
    this.#memory = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * end));
  }
}

function put(memory: Buffer, text: string, at: number): void {
  if (text.length > SHORT_TEXT) memory.write(text, at, text.length, 'latin1');
  else for (let i = 0; i < text.length; i++) memory[at + i] = text.charCodeAt(i);
}

const NOTHING = Buffer.alloc(0);
