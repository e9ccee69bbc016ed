import { connect, isIP, type Socket } from 'node:net';
import { asError } from '../../../domain/errors.ts';
import { isSuccess, type UnknownReason } from '../../../domain/outcome.ts';
import { type Answer, answeredWith, type Call, type CallListener, type OutgoingRequest } from '../call.ts';
import { Body } from './body.ts';
import { Head } from './head.ts';
import type { RequestTemplate } from './template.ts';

/** Informational answers before the real one. */
const MAX_INTERIM = 16;
/** A longer head is refused: no need to wait for its end. */
const MAX_PARTIAL_BYTES = 16 * 1024;
const LF = 10;

/** All connections read into this one: what has come is looked at before the next read. */
const incoming = new Uint8Array(64 * 1024);

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Who keeps the connections. */
export interface ConnectionOwner {
  /** Monotonic. */
  now(): number;
  /** It can take a call: it has just been made, or the answer to its last call has ended. */
  ready(connection: Connection, now: number): void;
  /** It takes no calls any more. Told once, and before `ready` when it could not be made: then with the cause. */
  lost(connection: Connection, refused: Error | undefined): void;
  /** The socket is closed. Told once, last. */
  closed(connection: Connection): void;
}

/** One call on its way through the pool: it waits for a connection, then it is that connection's. */
export class PooledCall implements Call {
  readonly listener: CallListener;
  readonly request: OutgoingRequest;
  readonly template: RequestTemplate;
  connection: Connection | undefined;
  isOver = false;
  readonly #owner: Pick<ConnectionOwner, 'now'>;

  constructor(
    listener: CallListener,
    request: OutgoingRequest,
    template: RequestTemplate,
    owner: Pick<ConnectionOwner, 'now'>,
  ) {
    this.listener = listener;
    this.request = request;
    this.template = template;
    this.#owner = owner;
  }

  abort(reason: UnknownReason): void {
    // Its connection may have another call by now.
    if (this.isOver) return;
    if (this.connection === undefined)
      this.finish({ type: 'notSent', cause: new Error('given up before it was sent') }, this.#owner.now());
    else this.connection.giveUp(reason);
  }

  finish(answer: Answer, now: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.listener.answer(answer, now);
  }
}

/**
 * One connection to a function, for one call at a time:
 *
 *     connecting → idle ⇄ busy → closed
 *
 * It is `busy` from the moment in which a call's first byte is handed to the socket until the answer has ended. From then
 * on the call is `answered` or `unknown`, whatever happens. What ends a connection between calls concerns no call: bytes
 * that nobody asked for, the other side's close, an error.
 */
export class Connection {
  /** Monotonic: not used after that. */
  idleUntil = 0;
  /** Monotonic: since when it is idle. */
  idleSince = 0;
  /** Answers that have ended. */
  answers = 0;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #head = new Head();
  readonly #body = new Body();
  #state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting';
  #call: PooledCall | undefined;
  /** Where in the answer it reads. */
  #part: 'head' | 'body' = 'head';
  #interim = 0;
  /** A head that has not come whole. */
  #partial: Uint8Array | undefined;

  /** @param forbids addresses that are never called, asked of the very address that is connected to */
  constructor(address: Address, forbids: (address: string) => boolean, owner: ConnectionOwner) {
    this.#owner = owner;
    const socket = connect({
      ...address,
      noDelay: true,
      onread: {
        buffer: incoming,
        callback: (size) => {
          this.#read(incoming, 0, size);
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.on('connect', () => this.#connected(forbids));
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.#lost(asError(error)));
    socket.on('close', () => {
      this.#lost(new Error('the connection was closed'));
      this.#owner.closed(this);
    });
  }

  /** Whether a call can be sent now. */
  get isIdle(): boolean {
    return this.#state === 'idle' && this.#socket.writable;
  }

  /** Of the last answer: what the server says for how long it keeps an idle connection, in seconds; -1 when nothing. */
  get keepAlive(): number {
    return this.#head.keepAlive;
  }

  /** Sends the call. Only while it is idle. */
  send(call: PooledCall, now: number): void {
    if (this.#state !== 'idle') throw new Error('a connection takes one call at a time');
    this.#state = 'busy';
    this.#call = call;
    this.#part = 'head';
    this.#interim = 0;
    call.connection = this;
    call.listener.firstByte(now);
    call.template.writeTo(this.#socket, call.request);
  }

  /** Ends it, and with it the call that it has. */
  giveUp(reason: UnknownReason): void {
    this.#end(undefined, reason);
  }

  /** Ends it without a call, or while it is being made. */
  close(cause?: Error): void {
    this.#end(cause, 'aborted');
  }

  #connected(forbids: (address: string) => boolean): void {
    if (this.#state !== 'connecting') return;
    const { remoteAddress = '' } = this.#socket;
    if (isIP(remoteAddress) !== 0 && forbids(remoteAddress)) {
      this.#lost(new Error(`${remoteAddress} is an address that is never called`));
      return;
    }
    this.#state = 'idle';
    this.#owner.ready(this, this.#owner.now());
  }

  #read(chunk: Uint8Array, start: number, to: number): void {
    // Nobody asked for it.
    if (this.#state !== 'busy') {
      this.#lost(new Error('an answer came before its request'));
      return;
    }
    if (this.#part === 'body') {
      this.#readBody(chunk, start, to);
      return;
    }
    let bytes = chunk;
    let from = start;
    let end = to;
    if (this.#partial !== undefined) {
      bytes = join(this.#partial, chunk.subarray(start, to));
      from = 0;
      end = bytes.length;
      this.#partial = undefined;
      // A head that comes byte by byte is looked at line by line: it costs no more than its lines.
      if (end < MAX_PARTIAL_BYTES && !chunk.subarray(start, to).includes(LF)) {
        this.#partial = bytes;
        return;
      }
    }
    this.#readHeads(bytes, from, end);
  }

  #readHeads(bytes: Uint8Array, start: number, to: number): void {
    for (let from = start; ; from = this.#head.end) {
      const result = from === to ? 'incomplete' : this.#head.read(bytes, from, to);
      if (result === 'incomplete') {
        if (from < to) this.#partial = bytes.slice(from, to);
        return;
      }
      const isBroken = result === 'malformed' || this.#head.status === 101 || this.#interim > MAX_INTERIM;
      if (isBroken) {
        this.#end(undefined, 'reset');
        return;
      }
      if (this.#head.status >= 200) break;
      this.#interim++;
    }
    this.#part = 'body';
    const begun = this.#body.begin(this.#head, isSuccess(this.#head.status) ? 0 : (this.#call?.request.keep ?? 0));
    if (begun === 'done') this.#answered(this.#head.end === to);
    else if (begun === 'cut') {
      this.#body.keep(bytes, this.#head.end, to);
      this.#answered(false);
    } else if (this.#head.end < to) this.#readBody(bytes, this.#head.end, to);
  }

  #readBody(bytes: Uint8Array, from: number, to: number): void {
    const result = this.#body.read(bytes, from, to);
    if (result === 'done') this.#answered(this.#body.end === to);
    else if (result === 'cut') this.#answered(false);
  }

  /**
   * The answer is over.
   * @param isClean nothing came after it
   */
  #answered(isClean: boolean): void {
    const { persistent, encoded, chunked, length, status } = this.#head;
    // It announces a body that cannot be: one that comes all the same would be taken for the next answer.
    const contradicts = (status === 204 || status === 304) && (encoded || length > 0);
    // An answer to a request that is not wholly sent: the rest of it would be taken for the next one.
    const isSent = this.#socket.writableLength === 0;
    if (!isClean || contradicts || !persistent || !isSent || (encoded && !chunked) || !this.#socket.writable) {
      this.#end(undefined, 'reset');
      return;
    }
    const call = this.#call;
    const now = this.#owner.now();
    this.#call = undefined;
    this.#state = 'idle';
    this.answers++;
    this.#owner.ready(this, now);
    call?.finish(answeredWith(status, this.#body.kept), now);
  }

  /** The other side has said its last byte. */
  #ended(): void {
    this.#lost(new Error('the connection was closed by the other side'));
  }

  #lost(cause: Error): void {
    this.#end(cause, 'reset');
  }

  #end(cause: Error | undefined, reason: UnknownReason): void {
    if (this.#state === 'closed') return;
    const refused = this.#state === 'connecting' ? (cause ?? new Error('given up')) : undefined;
    const status = this.#part === 'body' ? this.#head.status : 0;
    const call = this.#call;
    this.#state = 'closed';
    this.#call = undefined;
    this.#partial = undefined;
    this.#socket.destroy();
    this.#owner.lost(this, refused);
    const answer: Answer = status === 0 ? { type: 'unknown', reason } : answeredWith(status, this.#body.kept);
    call?.finish(answer, this.#owner.now());
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
