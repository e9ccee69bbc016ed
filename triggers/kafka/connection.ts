import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls';
import type { ISocketFactory, KafkaConfig, SASLOptions } from 'kafkajs';

/*
 * Secrets are asked for whenever a connection is made or a login is due: they may have changed. kafkajs itself copies
 * nothing of them: its TLS options reach nobody but the socket factory, and it reads the fields of a login each time.
 */

export interface KafkaConnection {
  /** `host:port`. */
  readonly brokers: readonly string[];
  /** Certificates as they are now. Undefined: no TLS. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  readonly login?: KafkaLogin | undefined;
  /**
   * Milliseconds after which a member that fell silent loses its partitions: also how long a killed process keeps its
   * successor waiting. Default: 30,000.
   */
  readonly sessionTimeout?: number;
  /** Milliseconds without a fetch after which the brokers are asked where a topic ends. Default: 30,000. */
  readonly askEndsEvery?: number;
}

export interface KafkaLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  /** As it is now. */
  readonly password: () => string;
}

const KEEP_ALIVE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** What kafkajs is told of a connection. */
export function connectionConfig({ brokers, tls, login }: KafkaConnection): KafkaConfig {
  return {
    clientId: 'trigate',
    brokers: [...brokers],
    connectionTimeout: CONNECT_TIMEOUT_MS,
    socketFactory: socketsWith(tls),
    ...(login !== undefined && { sasl: saslOptions(login) }),
  };
}

const socketsWith =
  (tls: KafkaConnection['tls']): ISocketFactory =>
  ({ host, port, onConnect }) => {
    const socket: Socket =
      tls === undefined
        ? connect({ host, port }, onConnect)
        : connectSecurely({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tls() }, onConnect);
    return socket.setKeepAlive(true, KEEP_ALIVE_MS);
  };

function saslOptions({ mechanism, username, password }: KafkaLogin): SASLOptions {
  const login = {
    username,
    get password() {
      return password();
    },
  };
  switch (mechanism) {
    case 'plain':
      return Object.assign(login, { mechanism });
    case 'scram-sha-256':
      return Object.assign(login, { mechanism });
    case 'scram-sha-512':
      return Object.assign(login, { mechanism });
    default:
      return mechanism satisfies never;
  }
}
