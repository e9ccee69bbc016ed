import type { OutgoingRequest } from '../call.ts';
import { Frame, type Start } from './frame.ts';

/** Bodies up to here are copied behind their head, so that one write sends both. */
const COPIED_BYTES = 16 * 1024;
/** What is longer (by its headers) takes its memory with it: attributes of a producer may be as long as a message. */
const KEPT_BYTES = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** What requests are written to: a socket. */
export interface Sink {
  write(bytes: Uint8Array): unknown;
  cork(): void;
  uncork(): void;
  /** Bytes that it was given and the kernel has not taken yet. */
  readonly writableLength: number;
}

/** Writes requests. What they have in common is made once. */
export class RequestTemplate {
  readonly #host: string;
  /** By the list of common headers: lanes that share a caller have one each. */
  readonly #starts = new WeakMap<readonly string[], Start>();
  #last: Start | undefined;
  readonly #frame = new Frame();

  constructor(host: string) {
    this.#host = host;
  }

  /** In one piece, unless the body is large. */
  writeTo(sink: Sink, request: OutgoingRequest): void {
    const { body } = request;
    const isCopied = body.length <= COPIED_BYTES;
    const bytes = this.#frame.write(this.#startOf(request), request, isCopied ? body : NOTHING);
    if (isCopied) {
      sink.write(bytes);
    } else {
      sink.cork();
      sink.write(bytes);
      sink.write(body);
      sink.uncork();
    }
    // A socket counts what it was given until the kernel has all of it: what is left is read later, from where it stands.
    if (sink.writableLength > 0 || bytes.length > KEPT_BYTES) this.#frame.leave();
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
