import { createRequire } from 'node:module';

// CommonJS inside of kafkajs, which has no types.
const require = createRequire(import.meta.url);

interface Connection {
  send(protocol: object): Promise<unknown>;
  readonly versions: object | null;
  readonly requestQueue: RequestQueue;
  connect(): Promise<unknown>;
  authenticate(): Promise<void>;
  isConnected(): boolean;
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

interface ConnectionPool {
  readonly logger: object;
  readonly pool: Connection[];
  getConnectionByRequest(request: { readonly request: { readonly apiKey: number } }): Promise<Connection>;
}

interface Requests {
  readonly requests: { readonly ApiVersions: { protocol(options: { readonly version: number }): () => object } };
}

const OFFSET_COMMIT = 8;
/** kafkajs has one for fetches, and one for all else. */
const ELSE = 0;
const COMMITS = 2;
const TRY_AGAIN_MS = 10_000;

/** When a connection for commits was last asked for. */
const triedAt = new WeakMap<ConnectionPool, number>();
/** Those of which the broker has answered a request: one that has too many connections closes a new one unasked. */
const proven = new WeakSet<Connection>();
let isPatched = false;

/**
 * kafkajs sends commits over the connection over which it sends heartbeats, and a broker serves a connection one request at a
 * time. Here a commit that would wait there has a connection of its own (see pacing.ts). A commit that is lost with its
 * connection is in doubt, so it takes one that has been made before, and has been answered: the first commit that wants it
 * has it made, and where it cannot be made commits wait for each other, as they do in kafkajs.
 */
export function patchCommitting(): void {
  if (isPatched) return;
  const { prototype } = require('kafkajs/src/network/connectionPool') as { prototype: ConnectionPool };
  const { getConnectionByRequest } = prototype;
  isPatched = true;
  prototype.getConnectionByRequest = async function (protocol) {
    const usual = await getConnectionByRequest.call(this, protocol);
    if (protocol.request.apiKey !== OFFSET_COMMIT || isQuiet(usual)) return usual;
    const own = this.pool[COMMITS];
    if (own?.isConnected() === true && proven.has(own)) return own;
    if (Date.now() - (triedAt.get(this) ?? 0) > TRY_AGAIN_MS) {
      triedAt.set(this, Date.now());
      // Whatever keeps it from being made keeps the others from nothing.
      makeConnection(this).catch(() => {});
    }
    return usual;
  };
}

const isQuiet = ({ requestQueue: { inflight, pending } }: Connection): boolean =>
  inflight.size === 0 && pending.length === 0;

/** As the pool makes its own. It is in the pool, so that whoever closes the pool closes it, too. */
async function makeConnection(pool: ConnectionPool): Promise<void> {
  const first = pool.pool[ELSE];
  if (first === undefined) return;
  const { enforceRequestTimeout, maxInFlightRequests, instrumentationEmitter } = first.requestQueue;
  const Connection = first.constructor as new (options: object) => Connection;
  const queue = { enforceRequestTimeout, maxInFlightRequests, instrumentationEmitter };
  const own = pool.pool[COMMITS] ?? new Connection({ ...first, ...queue, logger: pool.logger });
  pool.pool[COMMITS] = own;
  proven.delete(own);
  own.setVersions(first.versions);
  own.setSupportAuthenticationProtocol(first.getSupportAuthenticationProtocol());
  await own.connect();
  await own.authenticate();
  const { requests } = require('kafkajs/src/protocol/requests') as Requests;
  await own.send(requests.ApiVersions.protocol({ version: 0 })());
  proven.add(own);
}
