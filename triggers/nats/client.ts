/*
 * Everything that the kind uses of the package `nats`, so that moving to its successor (@nats-io/transport-node and
 * @nats-io/jetstream) is a change of this file and of jetstream/api.ts. Only what exists there too is used: no legacy
 * subscriptions of JetStream, no codecs.
 */
import {
  type Authenticator,
  type ConnectionOptions,
  connect as connectToNats,
  credsAuthenticator,
  headers,
  type NatsConnection,
  nkeyAuthenticator,
} from 'nats';

export type { JetStreamManager, Msg, MsgHdrs, NatsConnection, Subscription as NatsSubscription } from 'nats';
export { createInbox, ErrorCode, NatsError } from 'nats';

/** How to reach NATS. Files are read again whenever a connection is made, so what they hold can be changed. */
export interface NatsConnectionOptions {
  /** `host:port`. */
  readonly servers: string | readonly string[];
  readonly tls?: NatsTls | undefined;
  readonly login?: NatsLogin | undefined;
  /** Milliseconds between two questions about a consumer that delivers nothing. Default: ten seconds. */
  readonly askEvery?: number | undefined;
}

/** Paths of PEM files. */
export interface NatsTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export type NatsLogin =
  | { readonly type: 'password'; readonly user: string; readonly password: () => string }
  | { readonly type: 'token'; readonly token: () => string }
  /** The text of a `.creds` file. */
  | { readonly type: 'creds'; readonly creds: () => string }
  /** A seed: `SU…`. */
  | { readonly type: 'nkey'; readonly seed: () => string };

/** Two pings without an answer and the next one due: a half-open connection is noticed within 28 seconds. */
const PING_INTERVAL_MS = 7_000;
const PINGS_OUT = 2;
const CONNECT_TIMEOUT_MS = 3_000;

/** One connection, which reconnects for ever: also after a refused login, for credentials may be changed. */
export function connect(options: NatsConnectionOptions): Promise<NatsConnection> {
  const { servers, tls, login } = options;
  return connectToNats({
    name: 'trigate',
    servers: typeof servers === 'string' ? servers : [...servers],
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUT,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    reconnectJitterTLS: 500,
    ignoreAuthErrorAbort: true,
    ...(tls !== undefined && { tls: given(tls) }),
    ...(login !== undefined && { authenticator: authenticator(login) }),
  });
}

function given(tls: NatsTls): NonNullable<ConnectionOptions['tls']> {
  return {
    ...(tls.caFile !== undefined && { caFile: tls.caFile }),
    ...(tls.certFile !== undefined && { certFile: tls.certFile }),
    ...(tls.keyFile !== undefined && { keyFile: tls.keyFile }),
  };
}

/** Asked anew for every connection. */
function authenticator(login: NatsLogin): Authenticator {
  const bytes = (text: () => string) => () => new TextEncoder().encode(text());
  switch (login.type) {
    case 'password':
      return () => ({ user: login.user, pass: login.password() });
    case 'token':
      return () => ({ auth_token: login.token() });
    case 'creds':
      // The client finds the seed only where a line end follows it.
      return credsAuthenticator(bytes(() => `${login.creds()}\n`));
    case 'nkey':
      return nkeyAuthenticator(bytes(login.seed));
    default:
      return login satisfies never;
  }
}

export function headersOf(record: Readonly<Record<string, string>>) {
  const all = headers();
  for (const [name, value] of Object.entries(record)) all.set(name, value);
  return all;
}
