import type { Clock, Logger } from '../../../src/sdk.ts';
import { asError, byDeadline, TrigateError } from '../../../src/sdk.ts';
import { isNoResponders, type JetStreamApi } from './api.ts';
import type { Slot } from './membership.ts';
import type { MemberRecord } from './record.ts';

/** Outcomes are gathered this long, then one record and their acknowledgements go out together. */
const LINGER_MS = 20;
const RETRY_MS = 500;
/** Beyond the deadline of a close: what a server needs that is there. */
const LAST_WORD_MS = 1_500;

const ACK = new TextEncoder().encode('+ACK');

/** Another process took our records for a dead member's. */
export const taken = (): TrigateError => new TrigateError('CONFLICT', 'another process has taken over this consumer');

/** Where the acknowledgement of an event goes. */
export interface Ack {
  readonly sequence: number;
  readonly reply: string;
}

export interface SettlementOptions {
  readonly api: JetStreamApi;
  /** Undefined: there are no records, only acknowledgements. */
  readonly slot: Slot | undefined;
  readonly replicas: number;
  /** What is to be stored now, with the events whose acknowledgements go out when it stands. */
  readonly record: (settled: readonly number[]) => MemberRecord;
  /** So many outcomes do not wait for more. */
  readonly worthwhile: number;
  /** Called whenever a record stands. */
  readonly onStored: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Another member has our slot. Nothing more is stored or acknowledged. */
  readonly onTaken: () => void;
}

/**
 * Settles: stores the record in which events are settled, and sends their acknowledgements when it stands. Never the other
 * way round: a claim of a dead member is in doubt because its last record calls it open, so an event that is acknowledged
 * and not yet in a record would be in doubt too. One record at a time; what comes meanwhile waits for the next.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  #acks: Ack[] = [];
  /** Acknowledgements that wait for the record that is being stored. */
  #sending = 0;
  /** Those of the last record that stands; on the same connection, those of earlier ones came to the server before it did. */
  #sent: readonly Ack[] = [];
  #isDirty = false;
  #cancelTimer: (() => void) | undefined;
  #storing: Promise<void> | undefined;
  /** Why the last record does not stand. */
  #failure: Error | undefined;
  #isTaken = false;
  #isClosed = false;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Events that have their outcome, in no record yet: after a crash they are in doubt like those that have none. */
  get pending(): number {
    return this.#acks.length + this.#sending;
  }

  /** The event has its outcome. */
  settle(ack: Ack): void {
    this.#acks.push(ack);
    this.touch();
    if (this.#acks.length >= this.#options.worthwhile) this.#hurry();
  }

  /**
   * The last acknowledgements may be lost with the connection: the next record names them once more, and they go out when
   * it stands. A second one of the same event does nothing.
   */
  repeat(): void {
    this.#acks = [...this.#sent, ...this.#acks];
    this.#sent = [];
    this.touch();
  }

  /** There is something to store. */
  touch(): void {
    this.#isDirty = true;
    this.#soon(LINGER_MS);
  }

  /**
   * Stores a record now: whoever was out of reach may have been taken for dead meanwhile.
   * @throws TrigateError when another member has our slot; rejects otherwise when NATS does not answer
   */
  async prove(): Promise<void> {
    await this.#storing;
    if (this.#isClosed) return;
    this.repeat();
    this.#storeNow();
    await this.#storing;
    if (this.#isTaken) throw taken();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Stores what is left, with the last word on the record. Does not wait long for a server that is not there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    const { clock } = this.#options;
    await byDeadline(clock, clock.monotonic() + LAST_WORD_MS, this.#lastWord()).catch(() => {});
  }

  async #lastWord(): Promise<void> {
    await this.#storing;
    this.#isDirty = true;
    await this.#store();
    await this.#options.api.connection.flush();
  }

  #soon(ms: number): void {
    if (this.#cancelTimer !== undefined || this.#storing !== undefined || this.#isClosed || this.#isTaken) return;
    this.#cancelTimer = this.#options.clock.after(ms, () => this.#storeNow());
  }

  /** Not while a server does not answer: then the pause before the next try stands. */
  #hurry(): void {
    if (this.#cancelTimer !== undefined && this.#failure === undefined) this.#storeNow();
  }

  #storeNow(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#storing = this.#store().then(() => {
      this.#storing = undefined;
      this.#options.onStored();
      if (this.#isDirty) this.#soon(this.#failure === undefined ? this.#linger() : RETRY_MS);
    });
  }

  #linger(): number {
    return this.#acks.length >= this.#options.worthwhile ? 0 : LINGER_MS;
  }

  async #store(): Promise<void> {
    const { api, slot, record, log, onTaken } = this.#options;
    if (!this.#isDirty || this.#isTaken) return;
    const acks = this.#acks;
    this.#acks = [];
    this.#sending = acks.length;
    this.#isDirty = false;
    try {
      if (slot !== undefined && !(await slot.store(record(acks.map(({ sequence }) => sequence))))) {
        this.#isTaken = true;
        onTaken();
        return;
      }
    } catch (thrown) {
      this.#acks = [...acks, ...this.#acks];
      this.#isDirty = true;
      this.#failure = asError(thrown);
      log.debug({ error: this.#failure.message }, 'the record of a consumer was not stored yet');
      if (isNoResponders(thrown)) await this.#makeLedger();
      return;
    } finally {
      this.#sending = 0;
    }
    this.#failure = undefined;
    this.#sent = acks;
    for (const { reply } of acks) api.connection.publish(reply, ACK);
  }

  /** Somebody may have deleted the stream of the records. */
  async #makeLedger(): Promise<void> {
    const { api, replicas } = this.#options;
    await api.ensureLedger(replicas).catch(() => {});
  }
}
