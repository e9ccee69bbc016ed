import type { Clock } from '../../domain/clock.ts';
import type { UnknownReason } from '../../domain/outcome.ts';

/** One HTTP request, made once. Its lists never change: what comes next is compared with them. */
export interface OutgoingRequest {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  /** Name, value, name, value: valid already. The same list in many requests: what is made of it is worth keeping. */
  readonly common: readonly string[];
  /** What only this request has, likewise. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** First bytes of the body of an answer other than 2xx that are kept. Default: none. */
  readonly keep?: number;
}

/**
 * What came of one try. `notSent` is claimed only where no byte of the request can have left: such an event may be
 * tried again. From the first byte on it is `answered` or `unknown`, whatever happens.
 */
export type Answer =
  /** `body`: what was kept of it, as it came; only where that was asked for and there is any. */
  | { readonly type: 'answered'; readonly status: number; readonly body?: Uint8Array }
  | { readonly type: 'notSent'; readonly cause: Error }
  /** The request itself cannot be written, now or later. No byte has left. */
  | { readonly type: 'invalid'; readonly cause: Error }
  | { readonly type: 'unknown'; readonly reason: UnknownReason };

/** @param body undefined or empty: nothing was kept */
export const answeredWith = (status: number, body: Uint8Array | undefined): Answer =>
  body === undefined || body.length === 0 ? { type: 'answered', status } : { type: 'answered', status, body };

/** Whoever sends hears, in this order: at most one `firstByte`, exactly one `answer`; and when, on the monotonic clock. */
export interface CallListener {
  /** The request is about to be written: from here on it is never sent again. */
  firstByte(now: number): void;
  answer(answer: Answer, now: number): void;
}

/** A call under way. */
export interface Call {
  /** Gives up. The listener hears the answer, with this reason if the first byte may have left, before this returns. */
  abort(reason: UnknownReason): void;
}

/** Calls functions at one origin. */
export interface Caller {
  /** Whether requests should follow answers together, at the end of the event loop's turn, instead of one behind each. */
  readonly prefersBursts: boolean;
  send(request: OutgoingRequest, listener: CallListener): Call;
  /** Whether a connection can be made now. Sends no byte of HTTP. */
  probe(): Promise<boolean>;
  /** Lets calls under way end, then closes all connections. */
  close(): Promise<void>;
}

export interface CallerOptions {
  readonly clock: Clock;
  /** Addresses that are never called. Asked of the very address that was connected to, before a byte is sent. */
  readonly forbids: (address: string) => boolean;
}

export type CallerFactory = (origin: string, connections: number) => Caller;

/** A caller with connections of its own. */
export interface ResizableCaller extends Caller {
  /** How many connections there may be from now on. Those that are more are not closed for it. */
  resize(connections: number): void;
}

export type PoolFactory = (origin: string, connections: number) => ResizableCaller;
