import { type ConnectionOptions, connect, Events, type NatsConnection } from 'nats';
import { asError, type Clock, type Gap, TrigateError } from '../../src/sdk.ts';

/** What a source hears of the connection. */
export interface LinkListener {
  disconnected(message: string): void;
  /** It is back; core NATS kept nothing meanwhile. */
  reconnected(gap: Gap): void;
  /** It will not come back by itself. */
  closed(error: Error): void;
}

/** The one connection that all NATS triggers of a process share. It reconnects for ever. */
export interface Link {
  /** @throws TrigateError BROKER_UNREACHABLE */
  connect(): Promise<NatsConnection>;
  follow(listener: LinkListener): () => void;
  close(): Promise<void>;
}

/** Half-open connections are noticed after two pings without an answer. */
const PING_INTERVAL_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;

export function createLink(options: ConnectionOptions, clock: Clock): Link {
  return new SharedLink(options, clock);
}

class SharedLink implements Link {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<LinkListener>();
  #connection: Promise<NatsConnection> | undefined;

  constructor(options: ConnectionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  connect(): Promise<NatsConnection> {
    this.#connection ??= this.#open();
    return this.#connection;
  }

  follow(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    await connection?.close();
  }

  async #open(): Promise<NatsConnection> {
    try {
      const connection = await connect({
        name: 'trigate',
        timeout: CONNECT_TIMEOUT_MS,
        pingInterval: PING_INTERVAL_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 500,
        reconnectJitter: 500,
        reconnectJitterTLS: 500,
        ...this.#options,
      });
      void this.#watch(connection);
      return connection;
    } catch (error) {
      this.#connection = undefined;
      const message = `NATS cannot be reached: ${asError(error).message}`;
      throw new TrigateError('BROKER_UNREACHABLE', message, { cause: error });
    }
  }

  async #watch(connection: NatsConnection): Promise<void> {
    let lostAt = 0;
    void connection.closed().then((error) => {
      if (this.#connection === undefined) return;
      this.#connection = undefined;
      for (const listener of [...this.#listeners])
        listener.closed(error ?? new Error('the connection to NATS was closed'));
    });
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        lostAt = this.#clock.now();
        for (const listener of this.#listeners) listener.disconnected('the connection to NATS is lost; trying again');
      } else if (status.type === Events.Reconnect) {
        const gap = { from: lostAt, to: this.#clock.now(), cause: 'the connection to NATS was lost' };
        for (const listener of this.#listeners) listener.reconnected(gap);
      }
    }
  }
}
