import type { Cancel } from '../../../domain/clock.ts';
import type { Call, CallerOptions, CallListener, OutgoingRequest, PoolFactory, ResizableCaller } from '../call.ts';
import { canConnect } from '../probe.ts';
import { type Address, Connection, type ConnectionOwner, PooledCall } from './connection.ts';
import { RequestTemplate } from './template.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** Connections under way at a time. */
const MOST_CONNECTING = 32;
/** A connection that takes longer is not waited for: others are tried beside it. */
const SLOW_CONNECT_MS = 100;
/** Below the 5 s idle time-out of Node.js servers, so that we close an idle connection before they do. */
const KEEP_ALIVE_MS = 4_000;
/** How long before the moment that a server names for closing an idle connection we close it. */
const KEEP_ALIVE_MARGIN_MS = 500;
/** A connection that has been idle for longer may have been closed: the event loop takes a look before it is used. */
const TRUSTED_IDLE_MS = 10;

/** A connection under way. */
interface Connecting {
  /** Ends the wait for it. */
  readonly cancel: Cancel;
  /** Of the caller, when it began. */
  readonly answers: number;
}

/** For origins with `http:` only. */
export function httpCaller(options: CallerOptions): PoolFactory {
  return (origin, connections) => new HttpCaller(origin, connections, options);
}

/**
 * Calls a function over plain HTTP/1.1 with a request per connection at a time, made for one purpose: it costs half of
 * what a general client does, and it knows for each call whether a byte of it has been handed to the kernel.
 *
 * A call takes the connection that became free last; without one it waits, in order, for one that becomes free or is
 * made. There are at most `connections`. A connection that has served one call only, or has been idle for a while, is
 * looked at once more by the event loop before it is used: a server that closed it meanwhile costs a connection, no event.
 *
 * Of many calls that start in one moment the first ones are often answered before there is a connection for each. So only a
 * few are under way at a time: one while answers come, twice as many with each that is made when none came meanwhile, and
 * when one takes long.
 */
class HttpCaller implements ResizableCaller, ConnectionOwner {
  readonly prefersBursts = true;
  readonly #options: CallerOptions;
  readonly #address: Address;
  readonly #origin: URL;
  #max: number;
  readonly #connections = new Set<Connection>();
  /** Until the socket is closed. */
  readonly #sockets = new Set<Connection>();
  readonly #connecting = new Map<Connection, Connecting>();
  readonly #idle: Connection[] = [];
  #waiting: PooledCall[] = [];
  #firstWaiting = 0;
  #looking = 0;
  /** How many connections may be under way now. */
  #window = MOST_CONNECTING;
  #answers = 0;
  #sweep: Cancel | undefined;
  #sweepAt = Number.POSITIVE_INFINITY;
  #closed: PromiseWithResolvers<void> | undefined;
  readonly #template: RequestTemplate;

  constructor(origin: string, connections: number, options: CallerOptions) {
    this.#origin = new URL(origin);
    this.#options = options;
    this.#max = connections;
    this.#template = new RequestTemplate(this.#origin.host);
    this.#address = { host: this.#origin.hostname.replace(/^\[|\]$/g, ''), port: Number(this.#origin.port || 80) };
  }

  send(request: OutgoingRequest, listener: CallListener): Call {
    const call = new PooledCall(listener, request, this.#template, this);
    const now = this.now();
    if (this.#closed !== undefined) {
      call.finish({ type: 'notSent', cause: new Error('the caller is closed') }, now);
      return call;
    }
    const connection = this.#take(now);
    if (connection === undefined) this.#wait(call);
    else if (this.#isTrusted(connection, now)) connection.send(call, now);
    else this.#look(connection, call);
    return call;
  }

  resize(connections: number): void {
    this.#max = connections;
    this.#connectForWaiting();
  }

  probe(): Promise<boolean> {
    return canConnect(this.#origin, this.#options.forbids);
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers();
      this.#sweep?.();
      for (const connection of this.#idle.splice(0)) connection.close();
      if (!this.#isWanted) for (const connection of [...this.#connecting.keys()]) connection.close();
      this.#endIfEmpty();
    }
    return this.#closed.promise;
  }

  now(): number {
    return this.#options.clock.monotonic();
  }

  ready(connection: Connection, now: number): void {
    if (this.#connecting.has(connection)) this.#made(connection);
    else this.#answers++;
    this.#offer(connection, now);
  }

  /** To whoever waits. */
  #offer(connection: Connection, now: number, idleSince = now): void {
    const call = this.#nextWaiting();
    if (call === undefined) {
      this.#release(connection, now, idleSince);
      return;
    }
    connection.idleSince = idleSince;
    if (this.#isTrusted(connection, now)) connection.send(call, now);
    else this.#look(connection, call);
    this.#connectForWaiting();
  }

  #made(connection: Connection): void {
    const isAnswered = this.#connecting.get(connection)?.answers !== this.#answers;
    this.#window = isAnswered ? 1 : Math.min(MOST_CONNECTING, 2 * this.#window);
    this.#endConnecting(connection);
  }

  #endConnecting(connection: Connection): void {
    this.#connecting.get(connection)?.cancel();
    this.#connecting.delete(connection);
  }

  lost(connection: Connection, refused: Error | undefined): void {
    this.#connections.delete(connection);
    this.#endConnecting(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (refused !== undefined) this.#refuse(refused);
    // Where none is made yet, those that are under way tell whether it is worth another try.
    const { size } = this.#connecting;
    const isTrying = refused !== undefined && size > 0 && size === this.#connections.size;
    if (!isTrying) this.#connectForWaiting();
  }

  /** Of those that wait, one; all, when no connection is there or under way. */
  #refuse(cause: Error): void {
    for (let left = this.#connections.size > 0 ? 1 : this.#waiting.length; left > 0; left--)
      this.#nextWaiting()?.finish({ type: 'notSent', cause }, this.now());
  }

  closed(connection: Connection): void {
    this.#sockets.delete(connection);
    this.#endIfEmpty();
  }

  #release(connection: Connection, now: number, idleSince: number): void {
    const hint = connection.keepAlive < 0 ? KEEP_ALIVE_MS : connection.keepAlive * 1_000 - KEEP_ALIVE_MARGIN_MS;
    connection.idleSince = idleSince;
    connection.idleUntil = idleSince + Math.min(KEEP_ALIVE_MS, hint);
    if (this.#closed !== undefined || connection.idleUntil <= now) {
      connection.close();
      return;
    }
    this.#idle.push(connection);
    if (connection.idleUntil < this.#sweepAt) this.#sweepIn(connection.idleUntil - now, connection.idleUntil);
  }

  #take(now: number): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (connection.isIdle && connection.idleUntil > now) return connection;
      connection.close();
    }
  }

  #isTrusted(connection: Connection, now: number): boolean {
    return connection.answers !== 1 && now - connection.idleSince < TRUSTED_IDLE_MS;
  }

  /**
   * Lets the event loop see what has come on a connection that is about to be used. Two turns: the first one may end before
   * it asks the kernel again.
   */
  #look(connection: Connection, call: PooledCall): void {
    this.#looking++;
    const nextTurn = (run: () => void) => setImmediate(() => setImmediate(run));
    nextTurn(() => {
      this.#looking--;
      if (call.isOver) {
        if (connection.isIdle) this.#offer(connection, this.now(), connection.idleSince);
      } else if (connection.isIdle) {
        connection.send(call, this.now());
      } else {
        connection.close();
        this.#wait(call);
      }
      this.#endIfEmpty();
    });
  }

  /** Whether somebody waits for a connection. */
  get #isWanted(): boolean {
    return this.#waiting.some((call, i) => i >= this.#firstWaiting && !call.isOver);
  }

  #wait(call: PooledCall): void {
    this.#waiting.push(call);
    this.#connectForWaiting();
  }

  #nextWaiting(): PooledCall | undefined {
    while (this.#firstWaiting < this.#waiting.length) {
      const call = this.#waiting[this.#firstWaiting++];
      if (this.#firstWaiting === this.#waiting.length) {
        this.#waiting = [];
        this.#firstWaiting = 0;
      }
      if (call !== undefined && !call.isOver) return call;
    }
    return undefined;
  }

  /** A connection under way for each call that waits, as far as there may be so many, in all and at a time. */
  #connectForWaiting(): void {
    if (this.#connections.size === 0) this.#window = MOST_CONNECTING;
    const wanted = Math.min(this.#waiting.length - this.#firstWaiting, this.#window);
    while (this.#connecting.size < wanted && this.#connections.size < this.#max) this.#connect();
  }

  #connect(): void {
    const connection = new Connection(this.#address, this.#options.forbids, this);
    this.#connections.add(connection);
    this.#sockets.add(connection);
    const tooLong = () =>
      connection.close(new Error(`no connection to ${this.#origin.host} within ${CONNECT_TIMEOUT_MS} ms`));
    const { clock } = this.#options;
    const timers = [clock.after(CONNECT_TIMEOUT_MS, tooLong), clock.after(SLOW_CONNECT_MS, () => this.#widen())];
    const cancel = () => {
      for (const end of timers) end();
    };
    this.#connecting.set(connection, { cancel, answers: this.#answers });
  }

  #widen(): void {
    this.#window = Math.min(MOST_CONNECTING, Math.max(this.#window, 2 * this.#connecting.size));
    this.#connectForWaiting();
  }

  #sweepIn(ms: number, at: number): void {
    this.#sweep?.();
    this.#sweepAt = at;
    this.#sweep = this.#options.clock.after(Math.max(1, ms), () => this.#closeIdle());
  }

  #closeIdle(): void {
    this.#sweep = undefined;
    this.#sweepAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (const connection of this.#idle.filter(({ idleUntil }) => idleUntil <= now)) connection.close();
    const next = this.#idle.reduce((at, { idleUntil }) => Math.min(at, idleUntil), Number.POSITIVE_INFINITY);
    if (next < Number.POSITIVE_INFINITY) this.#sweepIn(next - now, next);
  }

  #endIfEmpty(): void {
    if (this.#sockets.size > 0 || this.#looking > 0 || this.#waiting.length > this.#firstWaiting) return;
    this.#closed?.resolve();
  }
}
