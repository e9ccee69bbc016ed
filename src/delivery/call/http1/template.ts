import type { OutgoingRequest } from '../call.ts';

/** Bodies up to here are copied behind their head, so that one write sends both. */
const COPIED_BYTES = 16 * 1024;

/** How heads with one list of common headers begin. */
interface Start {
  readonly method: string;
  readonly path: string;
  readonly common: readonly string[];
  readonly bytes: Uint8Array;
}

/** What requests are written to: a socket. */
export interface Sink {
  write(bytes: Uint8Array): unknown;
  cork(): void;
  uncork(): void;
}

/** Writes requests. What they have in common is written once, and comes first. */
export class RequestTemplate {
  readonly #host: string;
  /** By the list of common headers: lanes that share a caller have one each. */
  readonly #starts = new WeakMap<readonly string[], Start>();
  #last: Start | undefined;
  /** The headers of the last request, and how their lines begin: most have the same ones in the same order. */
  readonly #names: string[] = [];
  readonly #lines: string[] = [];

  constructor(host: string) {
    this.#host = host;
  }

  /** In one piece, unless the body is large. */
  writeTo(sink: Sink, request: OutgoingRequest): void {
    const { body } = request;
    if (body.length <= COPIED_BYTES) {
      sink.write(this.#bytes(request, body));
      return;
    }
    sink.cork();
    sink.write(this.#bytes(request, undefined));
    sink.write(body);
    sink.uncork();
  }

  /** The head, and what follows it in one piece. */
  #bytes(request: OutgoingRequest, body: Uint8Array | undefined): Buffer {
    const { bytes: start } = this.#startOf(request);
    const rest = this.#restOf(request);
    const length = start.length + rest.length;
    const bytes = Buffer.allocUnsafe(length + (body?.length ?? 0));
    bytes.set(start);
    bytes.write(rest, start.length, rest.length, 'latin1');
    if (body !== undefined) bytes.set(body, length);
    return bytes;
  }

  #restOf({ method, headers, body }: OutgoingRequest): string {
    let rest = '';
    for (let i = 0; i < headers.length; i += 2) rest += this.#lineOf(headers[i] ?? '', i >> 1) + headers[i + 1];
    return method === 'GET' && body.length === 0
      ? `${rest}\r\n\r\n`
      : `${rest}\r\ncontent-length: ${body.length}\r\n\r\n`;
  }

  #lineOf(name: string, place: number): string {
    const known = this.#lines[place];
    if (known !== undefined && this.#names[place] === name) return known;
    const line = `\r\n${name}: `;
    this.#names[place] = name;
    this.#lines[place] = line;
    return line;
  }

  #startOf({ method, path, common }: OutgoingRequest): Start {
    const last = this.#last;
    if (last?.common === common && last.path === path && last.method === method) return last;
    let start = this.#starts.get(common);
    if (start?.path !== path || start.method !== method) {
      const first = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive`;
      const lines = common.map((text, i) => (i % 2 === 0 ? `\r\n${text}: ` : text));
      start = { method, path, common, bytes: Buffer.from(first + lines.join(''), 'latin1') };
      this.#starts.set(common, start);
    }
    this.#last = start;
    return start;
  }
}
