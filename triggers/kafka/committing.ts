import { createRequire } from 'node:module';

// CommonJS inside of kafkajs, which has no types.
const require = createRequire(import.meta.url);

interface Connection {
  readonly versions: object | null;
  readonly requestQueue: RequestQueue;
  readonly socket?: { destroy(error: Error): void };
  connect(): Promise<unknown>;
  authenticate(): Promise<void>;
  isConnected(): boolean;
  send(protocol: object): Promise<unknown>;
  getSupportAuthenticationProtocol(): unknown;
  setSupportAuthenticationProtocol(isSupported: unknown): void;
  setVersions(versions: object | null): void;
}

interface RequestQueue {
  readonly enforceRequestTimeout: boolean;
  readonly maxInFlightRequests: number | null;
  readonly instrumentationEmitter: object | null;
  readonly inflight: ReadonlyMap<number, unknown>;
  readonly pending: readonly unknown[];
}

/** Of a broker of kafkajs. */
export interface ConnectionPool {
  readonly logger: object;
  readonly pool: Connection[];
  getConnectionByRequest(request: { readonly request: { readonly apiKey: number } }): Promise<Connection>;
}

interface Requests {
  readonly requests: { readonly ApiVersions: { protocol(options: { readonly version: number }): () => object } };
}

const OFFSET_COMMIT = 8;
/** kafkajs has one for all but fetches, and one for fetches. */
const USUAL = 0;
const COMMITS = 2;
const TRY_AGAIN_MS = 10_000;
/** With the time that connecting may take, less than until the next attempt. */
const PROVE_MS = 3_000;
/** A broker closes what is idle for long: after 10 minutes, if nobody has told it otherwise. */
const TRUSTED_MS = 60_000;

/** When a connection for commits was last asked for. */
const triedAt = new WeakMap<ConnectionPool, number>();
/**
 * When one was last used: it was proven (where there are too many, a broker closes a new one unasked), or a commit left over
 * it, which is answered or ends its source.
 */
const usedAt = new WeakMap<Connection, number>();
const connecting = new WeakMap<Connection, Promise<unknown>>();
let isPatched = false;

/**
 * kafkajs sends commits over the connection over which it sends heartbeats, and a broker serves a connection one request at a
 * time. Here a commit that would wait there takes a connection of its own, where there is one (see pacing.ts).
 */
export function patchCommitting(): void {
  if (isPatched) return;
  const { prototype } = require('kafkajs/src/network/connectionPool') as { prototype: ConnectionPool };
  const { getConnectionByRequest } = prototype;
  isPatched = true;
  shareConnecting();
  prototype.getConnectionByRequest = async function (protocol) {
    const usual = await getConnectionByRequest.call(this, protocol);
    const own = this.pool[COMMITS];
    if (protocol.request.apiKey !== OFFSET_COMMIT || own === undefined || isQuiet(usual)) return usual;
    // A commit that went over it because of a heartbeat may still be out there.
    if (!isQuiet(own) || !isTrusted(own)) return usual;
    usedAt.set(own, performance.now());
    return own;
  };
}

/**
 * Whether a second commit has a connection of its own. A commit that is lost with its connection is in doubt, so it takes one
 * that the broker has served before; where there is none, it is made for the next time.
 */
export function canJoin(pool: ConnectionPool): boolean {
  const own = pool.pool[COMMITS];
  if (own !== undefined && isTrusted(own)) return true;
  const now = performance.now();
  if (now - (triedAt.get(pool) ?? Number.NEGATIVE_INFINITY) < TRY_AGAIN_MS) return false;
  triedAt.set(pool, now);
  // Whatever keeps it from being made keeps the others from nothing.
  prove(pool).catch(() => {});
  return false;
}

const isQuiet = ({ requestQueue: { inflight, pending } }: Connection): boolean =>
  inflight.size === 0 && pending.length === 0;

const isTrusted = (own: Connection): boolean =>
  own.isConnected() && performance.now() - (usedAt.get(own) ?? Number.NEGATIVE_INFINITY) < TRUSTED_MS;

/** What cannot be proven is ended, so that the next attempt makes another one. */
async function prove(pool: ConnectionPool): Promise<void> {
  const standing = pool.pool[COMMITS];
  const own = standing?.isConnected() === true ? standing : await connectAnew(pool);
  const end = (why: string) => own.socket?.destroy(new Error(why));
  const late = setTimeout(end, PROVE_MS, 'it was not served in time');
  try {
    await own.authenticate();
    const { requests } = require('kafkajs/src/protocol/requests') as Requests;
    await own.send(requests.ApiVersions.protocol({ version: 0 })());
    usedAt.set(own, performance.now());
  } catch (error) {
    end('it was not served');
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/**
 * As the pool makes its own, and in the pool: whoever closes that closes it, too. Another one each time: the socket of an
 * earlier attempt may still come to an end, and would end what its connection has under way then.
 */
async function connectAnew(pool: ConnectionPool): Promise<Connection> {
  const { [USUAL]: usual, [COMMITS]: old } = pool.pool;
  if (usual === undefined) throw new Error('a pool without connections');
  old?.socket?.destroy(new Error('another connection has taken its place'));
  const { enforceRequestTimeout, maxInFlightRequests, instrumentationEmitter } = usual.requestQueue;
  const queue = { enforceRequestTimeout, maxInFlightRequests, instrumentationEmitter };
  const Connection = usual.constructor as new (options: object) => Connection;
  const own = new Connection({ ...usual, ...queue, logger: pool.logger });
  pool.pool[COMMITS] = own;
  own.setVersions(usual.versions);
  own.setSupportAuthenticationProtocol(usual.getSupportAuthenticationProtocol());
  await own.connect();
  return own;
}

/** Two requests that find a connection closed would each open a socket for it, and the end of one ends what the other has. */
function shareConnecting(): void {
  const { prototype } = require('kafkajs/src/network/connection') as { prototype: Connection };
  const { connect } = prototype;
  prototype.connect = function (this: Connection) {
    const underWay = connecting.get(this) ?? connect.call(this).finally(() => connecting.delete(this));
    connecting.set(this, underWay);
    return underWay;
  };
}
