import type { Clock, Logger } from '../../../src/sdk.ts';
import { asError } from '../../../src/sdk.ts';
import { isNoResponders, type JetStreamApi } from './api.ts';
import type { Slot } from './membership.ts';
import type { MemberRecord } from './record.ts';

/** Outcomes are gathered this long, then one record and their acknowledgements go out together. */
const LINGER_MS = 20;
const RETRY_MS = 500;
/** Beyond the deadline of a close: what a server needs that is there. */
const LAST_WORD_MS = 1_500;

const ACK = new TextEncoder().encode('+ACK');

export interface SettlementOptions {
  readonly api: JetStreamApi;
  /** Undefined: there are no records, only acknowledgements. */
  readonly slot: Slot | undefined;
  readonly replicas: number;
  /** What is to be stored now. */
  readonly record: () => MemberRecord;
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
  #acks: string[] = [];
  #isDirty = false;
  #cancelTimer: (() => void) | undefined;
  #storing: Promise<void> | undefined;
  #isTaken = false;
  #isClosed = false;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** The event has its outcome. */
  settle(ack: string): void {
    this.#acks.push(ack);
    this.touch();
  }

  /** There is something to store. */
  touch(): void {
    this.#isDirty = true;
    this.#soon(LINGER_MS);
  }

  /** Stores what is left, with the last word on the record. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#storing;
    const { clock } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(LAST_WORD_MS, () => late.abort());
    const tooLate = new Promise<void>((resolve) => late.signal.addEventListener('abort', () => resolve()));
    this.#isDirty = true;
    await Promise.race([this.#store().then(() => this.#options.api.connection.flush()), tooLate]).catch(() => {});
    cancel();
  }

  #soon(ms: number): void {
    if (this.#cancelTimer !== undefined || this.#storing !== undefined || this.#isClosed || this.#isTaken) return;
    this.#cancelTimer = this.#options.clock.after(ms, () => {
      this.#cancelTimer = undefined;
      this.#storing = this.#store().then((isStored) => {
        this.#storing = undefined;
        if (this.#isDirty) this.#soon(isStored ? LINGER_MS : RETRY_MS);
      });
    });
  }

  async #store(): Promise<boolean> {
    const { api, slot, record, log, onTaken } = this.#options;
    if (!this.#isDirty || this.#isTaken) return true;
    const acks = this.#acks;
    this.#acks = [];
    this.#isDirty = false;
    try {
      if (slot !== undefined && !(await slot.store(record()))) {
        this.#isTaken = true;
        onTaken();
        return false;
      }
    } catch (thrown) {
      this.#acks = [...acks, ...this.#acks];
      this.#isDirty = true;
      log.debug({ error: asError(thrown).message }, 'the record of a consumer was not stored yet');
      if (isNoResponders(thrown)) await this.#makeLedger();
      return false;
    }
    for (const ack of acks) api.connection.publish(ack, ACK);
    return true;
  }

  /** Somebody may have deleted the stream of the records. */
  async #makeLedger(): Promise<void> {
    const { api, replicas } = this.#options;
    await api.ensureLedger(replicas).catch(() => {});
  }
}
