import type { Clock } from '../../../src/sdk.ts';
import { createInbox, type Msg, type NatsConnection, type NatsSubscription } from '../client.ts';

/*
 * Pull requests, one at a time, by the protocol itself (ADR-13, ADR-37): the client's own consumers keep requests open
 * beyond what was asked for, and each message that is delivered is claimed. Here a request asks for as many as there is
 * room for, and is over when all have come or the server has said that it is.
 */

/** Longest silence of a server that has been asked. */
const SILENCE_MS = 5_000;
const NANOSECONDS = 1_000_000;
/** Bytes that one answer may hold in memory, unless single messages may be larger. */
const ANSWER_BYTES = 8 * 1024 * 1024;

export type PullEnd =
  /** All that was asked for came, or there is no more now. */
  | { readonly type: 'done' }
  /** The server will not serve this now, or nobody serves it. */
  | { readonly type: 'refused'; readonly why: string }
  /** No end came in time. */
  | { readonly type: 'silent' }
  /** The connection was lost, or this side gave up. */
  | { readonly type: 'lost' };

export interface Pulled {
  /** Deliveries, in their order: claimed, whatever the end was. */
  readonly messages: readonly Msg[];
  readonly end: PullEnd;
}

interface Pending {
  readonly subject: string;
  readonly batch: number;
  readonly messages: Msg[];
  readonly resolve: (pulled: Pulled) => void;
  readonly cancel: () => void;
}

const STATUS = { timeout: 408, notFound: 404, conflict: 409, heartbeat: 100, noResponders: 503 };

export class Puller {
  readonly #connection: NatsConnection;
  readonly #request: string;
  readonly #clock: Clock;
  #inbox = '';
  #subscription: NatsSubscription | undefined;
  #pending: Pending | undefined;
  #count = 0;

  constructor(connection: NatsConnection, stream: string, durable: string, clock: Clock) {
    this.#connection = connection;
    this.#request = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
    this.#clock = clock;
  }

  /** Asks for at most so many. Waits up to `wait` milliseconds for the first; without it, takes only what is there. */
  pull(batch: number, wait?: number): Promise<Pulled> {
    this.#subscription ??= this.#subscribe();
    const subject = `${this.#inbox}.${++this.#count}`;
    const { promise, resolve } = Promise.withResolvers<Pulled>();
    const cancel = this.#clock.after((wait ?? 0) + SILENCE_MS, () => this.#end({ type: 'silent' }));
    this.#pending = { subject, batch, messages: [], resolve, cancel };
    this.#connection.publish(this.#request, JSON.stringify(this.#ask(batch, wait)), { reply: subject });
    return promise;
  }

  /** Ends what is out: its answer cannot come any more. The next pull has an inbox of its own. */
  reset(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#end({ type: 'lost' });
  }

  #ask(batch: number, wait: number | undefined): object {
    const limit = Math.max(ANSWER_BYTES, 2 * (this.#connection.info?.max_payload ?? 0));
    const bounds = { batch, ...(batch > 1 && { max_bytes: limit }) };
    return wait === undefined ? { ...bounds, no_wait: true } : { ...bounds, expires: wait * NANOSECONDS };
  }

  #subscribe(): NatsSubscription {
    this.#inbox = createInbox();
    const subscription = this.#connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (subscription !== this.#subscription) return;
        if (error !== null) this.#end({ type: 'refused', why: error.message });
        else this.#receive(message);
      },
    });
    return subscription;
  }

  #receive(message: Msg): void {
    const pending = this.#pending;
    if (pending === undefined || message.subject === '') return;
    const status = message.headers?.code ?? 0;
    if (status >= STATUS.heartbeat) {
      this.#status(pending, message.subject, status, message.headers?.description ?? '');
      return;
    }
    pending.messages.push(message);
    if (pending.messages.length === pending.batch) this.#end({ type: 'done' });
  }

  /** A status comes to the subject of its own request; one of an earlier request says nothing of this one. */
  #status({ subject }: Pending, at: string, status: number, description: string): void {
    if (at !== subject || status === STATUS.heartbeat) return;
    if (status === STATUS.timeout || status === STATUS.notFound) this.#end({ type: 'done' });
    else if (status === STATUS.noResponders) this.#end({ type: 'refused', why: 'nobody serves the consumer' });
    else this.#end({ type: 'refused', why: description === '' ? `status ${status}` : description.toLowerCase() });
  }

  #end(end: PullEnd): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.cancel();
    pending.resolve({ messages: pending.messages, end });
  }
}
