import type { Clock } from '../../../src/sdk.ts';
import { createInbox, type Msg, type NatsConnection, type NatsSubscription } from '../client.ts';
import type { JetStreamApi } from './api.ts';

/*
 * Pull requests, one at a time, by the protocol itself (ADR-13, ADR-37): the client's own consumers keep requests open
 * beyond what was asked for, and each message that is delivered is claimed. Here a request asks for as many as there is
 * room for, and is over when all have come, or as many as the server says that it has sent.
 *
 * With replicas the server's word that a request is over may come before its messages, for these wait until a quorum has
 * recorded them. It says how many it still owed then (`Nats-Pending-Messages`), so what is on its way is known. That is
 * why nothing is asked for with `no_wait`: the end of such a request does not say it.
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
  /** How many will come, and what ends the request then. */
  expected: number;
  end: PullEnd;
  readonly messages: Msg[];
  readonly resolve: (pulled: Pulled) => void;
  readonly cancel: () => void;
}

const STATUS = { heartbeat: 100, notFound: 404, timeout: 408, noResponders: 503 };
const OWED = 'Nats-Pending-Messages';
const ALL_SENT = 'batch completed';
const DONE: PullEnd = { type: 'done' };

export class Puller {
  /** A delivery that no request waits for any more. */
  onLate: (message: Msg) => void = () => {};
  readonly #connection: NatsConnection;
  readonly #request: string;
  readonly #clock: Clock;
  #inbox = '';
  #subscription: NatsSubscription | undefined;
  #pending: Pending | undefined;
  #count = 0;

  constructor({ connection, prefix }: JetStreamApi, stream: string, durable: string, clock: Clock) {
    this.#connection = connection;
    this.#request = `${prefix}.CONSUMER.MSG.NEXT.${stream}.${durable}`;
    this.#clock = clock;
  }

  /** Asks for at most so many. Waits up to `wait` milliseconds until all of them are there. */
  pull(batch: number, wait: number): Promise<Pulled> {
    this.#subscription ??= this.#subscribe();
    const subject = `${this.#inbox}.${++this.#count}`;
    const { promise, resolve } = Promise.withResolvers<Pulled>();
    const cancel = this.#clock.after(wait + SILENCE_MS, () => this.#end({ type: 'silent' }));
    this.#pending = { subject, batch, expected: batch, end: DONE, messages: [], resolve, cancel };
    this.#connection.publish(this.#request, JSON.stringify(this.#ask(batch, wait)), { reply: subject });
    return promise;
  }

  /** Ends what is out: its answer cannot come any more. The next pull has an inbox of its own. */
  reset(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#end({ type: 'lost' });
  }

  #ask(batch: number, wait: number): object {
    const limit = Math.max(ANSWER_BYTES, 2 * (this.#connection.info?.max_payload ?? 0));
    return { batch, expires: wait * NANOSECONDS, ...(batch > 1 && { max_bytes: limit }) };
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
    const status = message.headers?.code ?? 0;
    if (status >= STATUS.heartbeat) {
      // It comes to the subject of its own request; one of an earlier request says nothing of this one.
      if (message.subject === pending?.subject && status !== STATUS.heartbeat) this.#status(pending, status, message);
    } else if (pending === undefined) {
      this.onLate(message);
    } else {
      pending.messages.push(message);
      if (pending.messages.length >= pending.expected) this.#end(pending.end);
    }
  }

  #status(pending: Pending, status: number, { headers }: Msg): void {
    const description = headers?.description.toLowerCase() ?? '';
    if (description === ALL_SENT) return;
    const owed = headers?.get(OWED) ?? '';
    pending.expected = owed === '' ? 0 : pending.batch - Number(owed);
    pending.end = status === STATUS.timeout || status === STATUS.notFound ? DONE : refusal(status, description);
    if (pending.messages.length >= pending.expected) this.#end(pending.end);
  }

  #end(end: PullEnd): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.cancel();
    pending.resolve({ messages: pending.messages, end });
  }
}

function refusal(status: number, description: string): PullEnd {
  if (status === STATUS.noResponders) return { type: 'refused', why: 'nobody serves the consumer' };
  return { type: 'refused', why: description === '' ? `status ${status}` : description };
}
