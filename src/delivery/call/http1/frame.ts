import type { OutgoingRequest } from '../call.ts';

/** Room for a head and a small body. */
const LEAST_BYTES = 1024;

/**
 * Where requests with one list of common headers are put together, one after the other in the same place:
 *
 *     request line and common headers · name: value … · content-length: digits · body
 *
 * A socket hands what it is given to the kernel at once, nearly always all of it, so the next request can stand where the
 * last one stood. Most have the same headers with values of the same lengths: then only values that differ are written. And
 * these few cache lines stay warm: from memory that was new for each request the kernel alone took half a microsecond to copy.
 */
export class Frame {
  readonly #of: Pick<OutgoingRequest, 'method' | 'path' | 'common'>;
  readonly #start: Buffer;
  /** The headers of the last request, and where their values stand. */
  #headers: readonly string[] = [];
  readonly #valuesAt: number[] = [];
  #length = '';
  #lengthAt = 0;
  #bodyAt = 0;
  /** Undefined: nothing stands anywhere. */
  #memory: Buffer | undefined;
  /** The last request. */
  #view: Buffer = NOTHING;

  constructor(host: string, { method, path, common }: OutgoingRequest) {
    this.#of = { method, path, common };
    const first = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive`;
    const lines = common.map((text, i) => (i % 2 === 0 ? `\r\n${text}: ` : text));
    this.#start = Buffer.from(first + lines.join(''), 'latin1');
  }

  /** Whether a request begins like this. */
  isOf({ method, path, common }: OutgoingRequest): boolean {
    return common === this.#of.common && path === this.#of.path && method === this.#of.method;
  }

  /**
   * Puts a request together. It stands there until the next one, unless `leave` is called before.
   * @param body what of its body follows the head
   */
  write({ method, headers, body: whole }: OutgoingRequest, body: Uint8Array): Buffer {
    const length = method === 'GET' && whole.length === 0 ? '' : String(whole.length);
    let memory = this.#memory;
    if (memory !== undefined && this.#fits(memory, headers, length, body.length)) this.#fill(memory, headers, length);
    else memory = this.#layOut(headers, length, body.length);
    this.#headers = headers;
    this.#length = length;
    const end = this.#bodyAt + body.length;
    if (this.#view.length !== end) this.#view = memory.subarray(0, end);
    this.#view.set(body, this.#bodyAt);
    return this.#view;
  }

  /** What was written last is still read: the next one is written elsewhere. */
  leave(): void {
    this.#memory = undefined;
    this.#view = NOTHING;
  }

  /** Whether it differs from the last one only in what stands at its places. */
  #fits(memory: Buffer, headers: readonly string[], length: string, bodyLength: number): boolean {
    const last = this.#headers;
    if (this.#bodyAt + bodyLength > memory.length) return false;
    if (headers.length !== last.length || length.length !== this.#length.length) return false;
    for (let i = 0; i < headers.length; i += 2)
      if (headers[i] !== last[i] || headers[i + 1]?.length !== last[i + 1]?.length) return false;
    return true;
  }

  #fill(memory: Buffer, headers: readonly string[], length: string): void {
    const last = this.#headers;
    for (let i = 1; i < headers.length; i += 2)
      if (headers[i] !== last[i]) put(memory, headers[i] ?? '', this.#valuesAt[i >> 1] ?? 0);
    if (length !== this.#length) put(memory, length, this.#lengthAt);
  }

  #layOut(headers: readonly string[], length: string, bodyLength: number): Buffer {
    const start = this.#start;
    let rest = '';
    for (let i = 0; i < headers.length; i += 2) {
      rest += `\r\n${headers[i]}: `;
      this.#valuesAt[i >> 1] = start.length + rest.length;
      rest += headers[i + 1];
    }
    if (length !== '') rest += '\r\ncontent-length: ';
    this.#lengthAt = start.length + rest.length;
    rest += `${length}\r\n\r\n`;
    this.#bodyAt = start.length + rest.length;
    const memory = this.#memoryFor(this.#bodyAt + bodyLength);
    memory.set(start);
    memory.write(rest, start.length, rest.length, 'latin1');
    return memory;
  }

  #memoryFor(end: number): Buffer {
    if (this.#memory === undefined || this.#memory.length < end) {
      // Twice as much, so that a longer one has room as well.
      this.#memory = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * end));
      this.#view = NOTHING;
    }
    return this.#memory;
  }
}

/** For so few letters a loop is faster than a call into Node.js. */
function put(memory: Buffer, text: string, at: number): void {
  for (let i = 0; i < text.length; i++) memory[at + i] = text.charCodeAt(i);
}

const NOTHING = Buffer.alloc(0);
