import { buildConnector, Client, type Dispatcher } from 'undici';
import type { Clock } from '../../domain/clock.ts';
import { asError } from '../../domain/errors.ts';
import { isSuccess, type UnknownReason } from '../../domain/outcome.ts';
import {
  type Answer,
  answeredWith,
  type Call,
  type CallerOptions,
  type CallListener,
  type OutgoingRequest,
  type PoolFactory,
  type ResizableCaller,
} from './call.ts';
import { canConnect } from './probe.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** Below the 5 s idle time-out of Node.js servers, so that we close an idle connection before they do. */
const KEEP_ALIVE_MS = 4_000;
/** An answer's body is read and thrown away up to here; a longer one costs its connection. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Calls through undici, with a client for each connection: HTTP/1.1 only (undici replays refused HTTP/2 streams), no
 * pipelining (a POST at the head of a pipeline is never sent again, followers are), no redirects, no retries, no proxy.
 *
 * Not through undici's Pool, which looks through all its connections for each call: here a call takes the connection that
 * became free last.
 */
export function undiciCaller(options: CallerOptions): PoolFactory {
  return (origin, connections) => openCaller(origin, connections, options);
}

function openCaller(origin: string, connections: number, { clock, forbids }: CallerOptions): ResizableCaller {
  let most = connections;
  const clientOptions = { ...CLIENT_OPTIONS, connect: connector(forbids) };
  const clients: Client[] = [];
  const free: Client[] = [];
  let next = 0;
  let closing: Promise<void> | undefined;

  function open(): Client {
    const client = new Client(origin, clientOptions);
    clients.push(client);
    return client;
  }

  /** More calls than connections wait behind one another; lanes make no more than they brought connections. */
  function connection(): Client {
    const busy = clients.length < most ? undefined : clients[next++ % clients.length];
    return free.pop() ?? busy ?? open();
  }

  return {
    // A client without a next request when an answer ends does more: it arms timers, and lets go of its socket.
    prefersBursts: false,
    send(request, listener) {
      const client = connection();
      const call = new UndiciCall(listener, clock, client, free, request.keep ?? 0);
      try {
        client.dispatch(dispatchOptions(origin, request), call);
      } catch (error) {
        call.invalid(asError(error));
      }
      return call;
    },
    resize(wanted) {
      most = wanted;
    },
    probe: () => canConnect(new URL(origin), forbids),
    close() {
      closing ??= Promise.all(clients.map((client) => client.close())).then(() => {});
      return closing;
    },
  };
}

const CLIENT_OPTIONS: Client.Options = {
  pipelining: 1,
  allowH2: false,
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: KEEP_ALIVE_MS,
  keepAliveTimeoutThreshold: 500,
  // The lane holds the one deadline of a call.
  headersTimeout: 0,
  bodyTimeout: 0,
  maxHeaderSize: 16 * 1024,
};

/** Connects, and gives up a connection to an address that is never called before a byte of HTTP is sent. */
function connector(forbids: CallerOptions['forbids']): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, noDelay: true });
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const { remoteAddress = '' } = socket;
      if (!forbids(remoteAddress)) return callback(null, socket);
      socket.destroy();
      callback(new Error(`${remoteAddress} is an address that is never called`), null);
    });
}

function dispatchOptions(origin: string, request: OutgoingRequest): Dispatcher.DispatchOptions {
  const { path, method, common, headers, body } = request;
  // By itself undici takes a GET for one that may be made again.
  return { origin, path, method, headers: common.concat(headers), body, idempotent: false };
}

/**
 * undici calls `onRequestStart` in the same turn in which it writes the request, and not before: an error without it
 * happened before the first byte.
 */
class UndiciCall implements Call, Dispatcher.DispatchHandler {
  readonly #listener: CallListener;
  readonly #clock: Clock;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #bodyBytes = 0;
  #reason: UnknownReason = 'reset';
  #answered = false;
  readonly #client: Client;
  readonly #free: Client[];
  readonly #keep: number;
  #kept: Buffer | undefined;

  /**
   * @param free where the client goes when this call is over
   * @param keep see `OutgoingRequest`
   */
  constructor(listener: CallListener, clock: Clock, client: Client, free: Client[], keep: number) {
    this.#listener = listener;
    this.#clock = clock;
    this.#client = client;
    this.#free = free;
    this.#keep = keep;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#controller !== undefined || this.#answered) {
      // Never twice: should a version of undici put a started request back, or start one that was given up, it stops here,
      // before it is written.
      controller.abort(new Error('this request was started before'));
      return;
    }
    this.#controller = controller;
    this.#listener.firstByte(this.#clock.monotonic());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status >= 200) this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#bodyBytes < this.#keep && !isSuccess(this.#status)) {
      this.#kept = Buffer.concat([this.#kept ?? Buffer.alloc(0), chunk.subarray(0, this.#keep - this.#bodyBytes)]);
    }
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > MAX_ANSWER_BYTES) controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.#finish(answeredWith(this.#status, this.#kept));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: Error): void {
    if (this.#controller === undefined && isUsageError(cause)) this.invalid(cause);
    else if (this.#controller === undefined) this.#finish({ type: 'notSent', cause });
    else if (this.#status !== 0) this.#finish(answeredWith(this.#status, this.#kept));
    else this.#finish({ type: 'unknown', reason: this.#reason });
  }

  invalid(cause: Error): void {
    this.#finish({ type: 'invalid', cause });
  }

  abort(reason: UnknownReason): void {
    this.#reason = reason;
    // Answers, if it was started.
    this.#controller?.abort(new Error(`given up: ${reason}`));
    this.onResponseError(null, new Error('given up before it was sent'));
  }

  #finish(answer: Answer): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#free.push(this.#client);
    this.#listener.answer(answer, this.#clock.monotonic());
  }
}

/** undici refuses such a request whenever it is tried. */
const USAGE_ERRORS: readonly unknown[] = [
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
];
const isUsageError = (cause: Error): boolean => 'code' in cause && USAGE_ERRORS.includes(cause.code);
