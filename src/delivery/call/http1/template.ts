import type { OutgoingRequest } from '../call.ts';
import { Frame } from './frame.ts';

/** Bodies up to here are copied behind their head, so that one write sends both. */
const COPIED_BYTES = 16 * 1024;

/** What requests are written to: a socket. */
export interface Sink {
  write(bytes: Uint8Array): unknown;
  cork(): void;
  uncork(): void;
  /** Bytes that it was given and the kernel has not taken yet. */
  readonly writableLength: number;
}

const NOTHING = new Uint8Array(0);

/** Writes requests. What they have in common stays where it is, and only what changes is filled in. */
export class RequestTemplate {
  readonly #host: string;
  /** By the list of common headers: lanes that share a caller have one each. */
  readonly #frames = new WeakMap<readonly string[], Frame>();
  #last: Frame | undefined;

  constructor(host: string) {
    this.#host = host;
  }

  /** In one piece, unless the body is large. */
  writeTo(sink: Sink, request: OutgoingRequest): void {
    const frame = this.#frameOf(request);
    if (request.body.length <= COPIED_BYTES) {
      sink.write(frame.write(request, request.body));
    } else {
      sink.cork();
      sink.write(frame.write(request, NOTHING));
      sink.write(request.body);
      sink.uncork();
    }
    // Whatever the kernel has not taken is read later, from where it stands.
    if (sink.writableLength > 0) frame.leave();
  }

  #frameOf(request: OutgoingRequest): Frame {
    if (this.#last?.isOf(request)) return this.#last;
    let frame = this.#frames.get(request.common);
    if (!frame?.isOf(request)) {
      frame = new Frame(this.#host, request);
      this.#frames.set(request.common, frame);
    }
    this.#last = frame;
    return frame;
  }
}
