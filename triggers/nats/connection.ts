import { asError, type Clock, type Gap, TrigateError } from '../../src/sdk.ts';
import { connect, type NatsConnection, type NatsConnectionOptions, PING_INTERVAL_MS, PINGS_OUT } from './client.ts';

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

/** A timer goes off late rather than early. */
const LATE_TIMERS_MS = 1_000;

export function createLink(options: NatsConnectionOptions, clock: Clock): Link {
  return new SharedLink(options, clock);
}

class SharedLink implements Link {
  readonly #options: NatsConnectionOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<LinkListener>();
  #connection: Promise<NatsConnection> | undefined;
  #isClosed = false;

  constructor(options: NatsConnectionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  async connect(): Promise<NatsConnection> {
    if (this.#isClosed) throw new TrigateError('BROKER_UNREACHABLE', 'NATS cannot be reached: this process is closing');
    this.#connection ??= this.#open();
    return this.#connection;
  }

  follow(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    await connection?.close();
  }

  async #open(): Promise<NatsConnection> {
    try {
      const connection = await connect(this.#options);
      this.#watch(connection).catch(() => {});
      this.#watchEnd(connection).catch(() => {});
      return connection;
    } catch (error) {
      this.#connection = undefined;
      const message = `NATS cannot be reached: ${sentenceOf(asError(error))}`;
      throw new TrigateError('BROKER_UNREACHABLE', message, { cause: error });
    }
  }

  async #watchEnd(connection: NatsConnection): Promise<void> {
    const error = await connection.closed();
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    for (const listener of [...this.#listeners])
      listener.closed(error ?? new Error('the connection to NATS was closed'));
  }

  async #watch(connection: NatsConnection): Promise<void> {
    let lost: { readonly at: number; readonly cause: string } | undefined;
    let cause = 'the connection to NATS was lost';
    let silentFor = 0;
    for await (const { type, data } of connection.status()) {
      switch (type) {
        case 'staleConnection':
          // What was published since the last answered ping may be lost too.
          silentFor = PING_INTERVAL_MS * (PINGS_OUT + 1) + LATE_TIMERS_MS;
          cause = 'the connection to NATS was half-open: pings were not answered';
          break;
        case 'error':
          cause = `NATS said ${String(data)}`;
          if (lost !== undefined) this.#tellLost(`the connection to NATS is lost; trying again: ${cause}`);
          break;
        case 'disconnect':
          lost ??= { at: this.#clock.now() - silentFor, cause };
          this.#tellLost(`${lost.cause}; trying again`);
          break;
        case 'reconnect': {
          const now = this.#clock.now();
          const gap = { from: lost?.at ?? now, to: now, cause: lost?.cause ?? cause };
          lost = undefined;
          silentFor = 0;
          cause = 'the connection to NATS was lost';
          for (const listener of [...this.#listeners]) listener.reconnected(gap);
          break;
        }
        default:
      }
    }
  }

  #tellLost(message: string): void {
    for (const listener of [...this.#listeners]) listener.disconnected(message);
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  CONNECTION_REFUSED: 'connection refused',
  TIMEOUT: 'no answer in time',
  AUTHORIZATION_VIOLATION: 'the server refused the login',
};

function sentenceOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return SENTENCES[code] ?? error.message;
}
