import { asError, TrigateError } from '../../../src/sdk.ts';
import { ErrorCode, type JetStreamManager, type NatsConnection, NatsError } from '../client.ts';

/*
 * What the kind needs of JetStream, and no more. Beside client.ts the only file that touches the client's package; the
 * management API of its successor has the same methods (`jetstreamManager(connection)` instead of a method).
 */

export interface StreamFacts {
  readonly name: string;
  /** When it was made: another one under the same name has another. */
  readonly created: string;
  readonly replicas: number;
  /** It gets events from other streams, whatever their subjects are. */
  readonly isFed: boolean;
}

/** The settings of a consumer that matter here. Durations in nanoseconds, as JetStream has them. */
export interface ConsumerSettings {
  readonly ackPolicy: string;
  readonly maxDeliver: number;
  readonly ackWait: number;
  readonly maxAckPending: number;
  readonly filter: string;
}

export interface ConsumerFacts {
  readonly created: string;
  readonly settings: ConsumerSettings;
  /** Somebody made it a push consumer. */
  readonly isPush: boolean;
  /** The last delivery: its place in the stream, and among all deliveries. */
  readonly delivered: Delivered;
  readonly ackFloor: Delivered;
  readonly ackPending: number;
  /** Events that it has not delivered. */
  readonly waiting: number;
}

export interface Delivered {
  readonly sequence: number;
  readonly consumerSequence: number;
}

export type StartAt =
  | { readonly type: 'newest' }
  | { readonly type: 'earliest' }
  | { readonly type: 'sequence'; readonly sequence: number };

export interface StoredMessage {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly subject: string;
}

export interface StoredRecord {
  readonly data: Uint8Array;
  /** For compare-and-swap. */
  readonly revision: number;
}

/** Where a JetStream is, seen from a connection; neither: that of its account. */
export interface JetStreamPlace {
  /** Behind a leaf node. */
  readonly domain?: string | undefined;
  /** Of another account, which has exported its API under that subject. */
  readonly apiPrefix?: string | undefined;
}

/** Where the records of all consumers are kept: `trigate.ledger.<durable>.<slot>` and `….opening`, the last of each. */
export const LEDGER_STREAM = 'TRIGATE_LEDGER';
const LEDGER_ROOT = 'trigate.ledger';

const STREAM_NOT_FOUND = 10_059;
const CONSUMER_NOT_FOUND = 10_014;
const MESSAGE_NOT_FOUND = 10_037;
const WRONG_LAST_SEQUENCE = 10_071;
const NAME_IN_USE = 10_058;

export class JetStreamApi {
  readonly connection: NatsConnection;
  /** What requests to this JetStream begin with. */
  readonly prefix: string;
  /** What the subjects of records begin with: of each place its own, since one connection may see several. */
  readonly ledgerRoot: string;
  readonly #manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager, { domain, apiPrefix }: JetStreamPlace) {
    this.connection = connection;
    this.prefix = apiPrefix ?? (domain === undefined ? '$JS.API' : `$JS.${domain}.API`);
    const place = domain ?? apiPrefix?.replaceAll('.', '=');
    this.ledgerRoot = place === undefined ? LEDGER_ROOT : `${LEDGER_ROOT}-${place}`;
    this.#manager = manager;
  }

  /** @throws TrigateError BROKER_UNREACHABLE when the server, or the account, has no JetStream */
  static async of(connection: NatsConnection, place: JetStreamPlace = {}): Promise<JetStreamApi> {
    const { domain, apiPrefix } = place;
    const options = { ...(domain !== undefined && { domain }), ...(apiPrefix !== undefined && { apiPrefix }) };
    try {
      return new JetStreamApi(connection, await connection.jetstreamManager(options), place);
    } catch (thrown) {
      const why = isNoResponders(thrown) ? 'it is not enabled' : asError(thrown).message;
      const where = domain === undefined ? apiPrefix && ` under ${apiPrefix}` : ` in the domain ${domain}`;
      const what = `NATS has no JetStream for this account${where ?? ''}`;
      throw new TrigateError('BROKER_UNREACHABLE', `${what}: ${why}`, { cause: thrown });
    }
  }

  /** Names of the streams that have events of a subject. */
  async streamsOf(subject: string): Promise<string[]> {
    const found: string[] = [];
    for await (const name of this.#manager.streams.names(subject)) found.push(name);
    return found;
  }

  /** Subjects of all streams, without our own. */
  async subjects(): Promise<string[]> {
    const found: string[] = [];
    for await (const { config } of this.#manager.streams.list())
      if (config.name !== LEDGER_STREAM) found.push(...(config.subjects ?? []));
    return found;
  }

  async stream(name: string): Promise<StreamFacts | undefined> {
    const info = await orUndefined(this.#manager.streams.info(name), STREAM_NOT_FOUND);
    if (info === undefined) return undefined;
    const { mirror, num_replicas: replicas, sources = [], subject_transform: transform } = info.config;
    const isFed = mirror !== undefined || sources.length > 0 || transform !== undefined;
    return { name, created: timeText(info.created), replicas, isFed };
  }

  async consumer(stream: string, name: string): Promise<ConsumerFacts | undefined> {
    const found = this.#manager.consumers.info(stream, name);
    const info = await orUndefined(found, CONSUMER_NOT_FOUND, STREAM_NOT_FOUND);
    if (info === undefined) return undefined;
    const { config } = info;
    return {
      created: timeText(info.created),
      settings: {
        ackPolicy: config.ack_policy,
        maxDeliver: config.max_deliver ?? -1,
        ackWait: config.ack_wait ?? 0,
        maxAckPending: config.max_ack_pending ?? 0,
        filter: config.filter_subject ?? '',
      },
      isPush: config.deliver_subject !== undefined && config.deliver_subject !== '',
      delivered: { sequence: info.delivered.stream_seq, consumerSequence: info.delivered.consumer_seq },
      ackFloor: { sequence: info.ack_floor.stream_seq, consumerSequence: info.ack_floor.consumer_seq },
      ackPending: info.num_ack_pending,
      waiting: info.num_pending,
    };
  }

  async createConsumer(stream: string, name: string, settings: ConsumerSettings, start: StartAt): Promise<void> {
    await this.#manager.consumers.add(stream, {
      durable_name: name,
      filter_subject: settings.filter,
      ...changeable(settings),
      ...asPolicy({ ack_policy: settings.ackPolicy, replay_policy: 'instant', ...startOf(start) }),
    });
  }

  async updateConsumer(stream: string, name: string, settings: ConsumerSettings): Promise<void> {
    await this.#manager.consumers.update(stream, name, changeable(settings));
  }

  /** The first message of a subject (wildcards allowed) at or behind a sequence. */
  async message(stream: string, sequence: number, subject: string): Promise<StoredMessage | undefined> {
    const query = { seq: sequence, next_by_subj: subject };
    const message = await orUndefined(this.#manager.streams.getMessage(stream, query), MESSAGE_NOT_FOUND);
    return message && { sequence: message.seq, time: message.time.getTime(), subject: message.subject };
  }

  async ensureLedger(replicas: number): Promise<void> {
    if ((await this.stream(LEDGER_STREAM)) !== undefined) return;
    const config = {
      name: LEDGER_STREAM,
      subjects: [`${this.ledgerRoot}.>`],
      max_msgs_per_subject: 1,
      num_replicas: replicas,
    };
    await this.#manager.streams.add(config).catch((error) => {
      // Another process made it in this moment.
      if (codeOf(error) !== NAME_IN_USE) throw error;
    });
  }

  /** Which records of members exist under a prefix: the last token of each, a number. */
  async slots(prefix: string): Promise<number[]> {
    const info = await this.#manager.streams.info(LEDGER_STREAM, { subjects_filter: `${prefix}.*` });
    const subjects = Object.keys(info.state.subjects ?? {});
    const slots = subjects.map((subject) => subject.slice(prefix.length + 1)).filter((slot) => /^\d+$/.test(slot));
    return slots.map(Number).sort((a, b) => a - b);
  }

  async record(subject: string): Promise<StoredRecord | undefined> {
    const query = { last_by_subj: subject };
    const message = await orUndefined(this.#manager.streams.getMessage(LEDGER_STREAM, query), MESSAGE_NOT_FOUND);
    return message && { data: message.data, revision: message.seq };
  }

  /**
   * Stores a record in place of the one with that revision (0: of none), and answers the new revision; undefined when
   * another one stands there.
   */
  async store(subject: string, data: Uint8Array, revision: number): Promise<number | undefined> {
    const expect = { lastSubjectSequence: revision, streamName: LEDGER_STREAM };
    const answer = this.connection.jetstream().publish(subject, data, { expect });
    return (await orUndefined(answer, WRONG_LAST_SEQUENCE))?.seq;
  }
}

const changeable = ({ maxDeliver, ackWait, maxAckPending }: ConsumerSettings) => ({
  max_deliver: maxDeliver,
  ack_wait: ackWait,
  max_ack_pending: maxAckPending,
});

/** The client has enums where the protocol has these texts; their values are the same. */
const asPolicy = (config: Readonly<Record<string, string | number>>): object => config;

function startOf(start: StartAt): Record<string, string | number> {
  switch (start.type) {
    case 'newest':
      return { deliver_policy: 'new' };
    case 'earliest':
      return { deliver_policy: 'all' };
    case 'sequence':
      return { deliver_policy: 'by_start_sequence', opt_start_seq: start.sequence };
    default:
      return start satisfies never;
  }
}

/** The client types it as a date or as a text. */
const timeText = (time: unknown): string => String(time);

const codeOf = (error: unknown): number | undefined =>
  error instanceof NatsError ? error.api_error?.err_code : undefined;

async function orUndefined<T>(answer: Promise<T>, ...codes: number[]): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const code = codeOf(error);
    if (code !== undefined && codes.includes(code)) return undefined;
    throw error;
  }
}

export const isNoResponders = (error: unknown): boolean =>
  error instanceof NatsError && error.code === ErrorCode.NoResponders;
