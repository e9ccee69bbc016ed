import { asError, type Clock, type Gap, TrigateError } from '../../src/sdk.ts';
import { connect, type NatsConnection, type NatsConnectionOptions } from './client.ts';

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
  /** See `NatsConnectionOptions`. */
  readonly askEvery: number | undefined;
  /** From when on events may be missing, while it is lost. */
  readonly lostSince: number | undefined;
  /** @throws TrigateError BROKER_UNREACHABLE */
  connect(): Promise<NatsConnection>;
  follow(listener: LinkListener): () => void;
  close(): Promise<void>;
}

const PING = 'pingTimer';
const LOST = 'the connection to NATS was lost';
/** Of slow consumers a server speaks in its log alone. */
const CUT =
  'the connection to NATS was cut while the server ran: by the network, or by the server because this process read too slowly (then its log has "Slow Consumer")';

export function createLink(options: NatsConnectionOptions, clock: Clock): Link {
  return new SharedLink(options, clock);
}

class SharedLink implements Link {
  readonly #options: NatsConnectionOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<LinkListener>();
  #connection: Promise<NatsConnection> | undefined;
  #lost: { readonly from: number; readonly cause: string } | undefined;
  #isClosed = false;

  constructor(options: NatsConnectionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get askEvery(): number | undefined {
    return this.#options.askEvery;
  }

  get lostSince(): number | undefined {
    return this.#lost?.from;
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

  /**
   * What was published since the last ping that was answered may be lost with a connection: its answer comes behind all that
   * the server had for us before. So a gap begins there, however the connection ended.
   */
  async #watch(connection: NatsConnection): Promise<void> {
    const clock = this.#clock;
    let cause = LOST;
    let server = connection.info?.server_id;
    let [answered, pinged] = [clock.now(), clock.now()];
    for await (const { type, data } of connection.status()) {
      switch (type) {
        case PING:
          // It counts this one too: all others have been answered.
          if (Number(data) <= 1) answered = pinged;
          pinged = clock.now();
          break;
        case 'staleConnection':
          cause = 'the connection to NATS was half-open: pings were not answered';
          break;
        case 'error':
          cause = `NATS said ${String(data)}`;
          if (this.#lost !== undefined) this.#tellLost(`the connection to NATS is lost; trying again: ${cause}`);
          break;
        case 'disconnect':
          this.#lost ??= { from: answered, cause };
          this.#tellLost(`${this.#lost.cause}; trying again`);
          break;
        case 'reconnect': {
          // The client says so when it has sent the subscriptions again: only behind them does the server's answer come.
          if (!(await answers(connection))) break;
          const now = clock.now();
          const lost = this.#lost;
          const wasThere = server !== undefined && server === connection.info?.server_id;
          const gap = {
            from: lost?.from ?? answered,
            to: now,
            cause: wasThere && lost?.cause === LOST ? CUT : (lost?.cause ?? cause),
          };
          server = connection.info?.server_id;
          this.#lost = undefined;
          [cause, answered, pinged] = [LOST, now, now];
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

/** False when it was lost again meanwhile: its status says so next. */
function answers(connection: NatsConnection): Promise<boolean> {
  return connection.flush().then(
    () => true,
    () => false,
  );
}

const SENTENCES: Readonly<Record<string, string>> = {
  CONNECTION_REFUSED: 'connection refused',
  TIMEOUT: 'no answer in time',
  AUTHORIZATION_VIOLATION: 'the server refused the login',
  BAD_CREDS: 'the credentials file has no JWT and seed of a user in it',
};

function sentenceOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return SENTENCES[code] ?? error.message;
}
