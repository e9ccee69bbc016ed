import type { Clock, Logger } from '../../../src/sdk.ts';
import { asError, delay } from '../../../src/sdk.ts';
import { createInbox, ErrorCode, NatsError, type NatsSubscription } from '../client.ts';
import { isNoResponders, type JetStreamApi } from './api.ts';
import { decodeRecord, encodeRecord, type MemberRecord } from './record.ts';

/*
 * Members of a consumer: the processes that pull from one durable. Each has a slot of its own, a record that nobody else
 * writes while it lives. A slot changes hands by compare-and-swap, so a member that was taken for dead finds its next
 * record refused, and knows that its claims are another's in the account.
 *
 * Who lives is asked over NATS: a member answers at its inbox, and the server says at once when nobody listens there. One
 * that does not answer in time is taken for alive: then a new slot is made, and its claims are left to it.
 */

const ANSWER_WITHIN_MS = 1_000;
/** How long it is believed that there are others, before they are asked again. */
const OTHERS_FOR_MS = 10_000;

/** Where the stream of the records was made just now, all servers of a cluster know of it within so many tries. */
const FIRST_TRIES = 20;
const FIRST_TRIES_EVERY_MS = 100;

/** A record that is ours to write. */
export class Slot {
  /** As it was found; undefined for a new one. */
  readonly found: MemberRecord | undefined;
  readonly #api: JetStreamApi;
  readonly #subject: string;
  readonly #owner: string;
  #revision: number;
  #isWritten = false;

  constructor(api: JetStreamApi, subject: string, owner: string, revision: number, found: MemberRecord | undefined) {
    this.#api = api;
    this.#subject = subject;
    this.#owner = owner;
    this.#revision = revision;
    this.found = found;
  }

  /** False when another member has taken the slot. Rejects when the server does not answer; then call it again. */
  async store(record: MemberRecord): Promise<boolean> {
    this.#isWritten = true;
    const data = encodeRecord(record);
    if (await this.#put(data)) return true;
    // Another's record, or one of ours whose answer was lost.
    const stored = await this.#api.record(this.#subject);
    if (stored !== undefined && decodeRecord(stored.data)?.owner !== this.#owner) return false;
    this.#revision = stored?.revision ?? 0;
    return this.#put(data);
  }

  /** Leaves it as it was found, when nothing came of the opening. */
  async giveBack(): Promise<void> {
    if (this.found !== undefined && !this.#isWritten) await this.#put(encodeRecord(this.found));
  }

  async #put(data: Uint8Array): Promise<boolean> {
    const revision = await this.#api.store(this.#subject, data, this.#revision);
    if (revision !== undefined) this.#revision = revision;
    return revision !== undefined;
  }
}

export class Membership {
  /** Where this member answers. */
  readonly owner: string;
  /** The first one is written to; others were left by members that are no more. */
  readonly slots: readonly [Slot, ...Slot[]];
  readonly #api: JetStreamApi;
  readonly #prefix: string;
  readonly #answering: NatsSubscription;
  readonly #clock: Clock;
  #othersUntil: number;

  private constructor(parts: {
    api: JetStreamApi;
    prefix: string;
    owner: string;
    slots: readonly [Slot, ...Slot[]];
    answering: NatsSubscription;
    clock: Clock;
    others: boolean;
  }) {
    this.#api = parts.api;
    this.#prefix = parts.prefix;
    this.owner = parts.owner;
    this.slots = parts.slots;
    this.#answering = parts.answering;
    this.#clock = parts.clock;
    this.#othersUntil = parts.others ? parts.clock.monotonic() + OTHERS_FOR_MS : 0;
  }

  /**
   * Takes the slots of members that are gone, or a new one. Undefined where the account may not have a stream for the
   * records: then counts are of this process alone.
   */
  static async join(
    api: JetStreamApi,
    durable: string,
    replicas: number,
    clock: Clock,
    log: Logger,
  ): Promise<Membership | undefined> {
    try {
      await api.ensureLedger(replicas);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      const fields = { error: asError(thrown).message };
      log.warn(fields, 'NATS allows no stream for the ledger: counts of JetStream triggers are of this process only');
      return undefined;
    }
    const owner = createInbox();
    const answering = api.connection.subscribe(owner, {
      callback: (error, message) => {
        if (error === null) message.respond();
      },
    });
    try {
      // Asked by others from here on.
      await api.connection.flush();
      const prefix = `${api.ledgerRoot}.${durable}`;
      const { slots, others } = await takeSlots(api, prefix, owner, clock);
      return new Membership({ api, prefix, owner, slots, answering, clock, others });
    } catch (error) {
      answering.unsubscribe();
      throw error;
    }
  }

  /** No other member lives: what the consumer delivered came to us, or to nobody. */
  async isAlone(): Promise<boolean> {
    if (this.#clock.monotonic() < this.#othersUntil) return false;
    for (const slot of await this.#api.slots(this.#prefix)) {
      const stored = await this.#api.record(`${this.#prefix}.${slot}`);
      const owner = stored && decodeRecord(stored.data)?.owner;
      if (owner === undefined || owner === null || owner === this.owner) continue;
      if (await isAlive(this.#api, owner)) {
        this.#othersUntil = this.#clock.monotonic() + OTHERS_FOR_MS;
        return false;
      }
    }
    return true;
  }

  /** Instead of `close`, when the source could not be opened. */
  async giveBack(): Promise<void> {
    await Promise.allSettled(this.slots.map((slot) => slot.giveBack()));
    this.close();
  }

  close(): void {
    this.#answering.unsubscribe();
  }
}

async function takeSlots(
  api: JetStreamApi,
  prefix: string,
  owner: string,
  clock: Clock,
): Promise<{ slots: readonly [Slot, ...Slot[]]; others: boolean }> {
  const taken: Slot[] = [];
  const known = await api.slots(prefix);
  let others = false;
  for (const slot of known) {
    const stored = await api.record(`${prefix}.${slot}`);
    const record = stored && decodeRecord(stored.data);
    if (stored === undefined || record === undefined) continue;
    if (record.owner !== null && (await isAlive(api, record.owner))) others = true;
    else {
      const mine = await take(api, `${prefix}.${slot}`, { ...record, owner }, stored.revision, clock, record);
      if (mine === undefined) others = true;
      else taken.push(mine);
    }
  }
  for (let slot = 0; taken.length === 0; slot++) {
    if (known.includes(slot)) continue;
    const mine = await take(api, `${prefix}.${slot}`, emptyRecord(owner, clock.now()), 0, clock);
    if (mine === undefined) others = true;
    else taken.push(mine);
  }
  const [first, ...rest] = taken;
  if (first === undefined) throw new Error('no slot was taken');
  return { slots: [first, ...rest], others };
}

async function take(
  api: JetStreamApi,
  subject: string,
  record: MemberRecord & { readonly owner: string },
  revision: number,
  clock: Clock,
  found?: MemberRecord,
): Promise<Slot | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const mine = await api.store(subject, encodeRecord(record), revision);
      return mine === undefined ? undefined : new Slot(api, subject, record.owner, mine, found);
    } catch (error) {
      if (!isNoResponders(error) || tries === FIRST_TRIES) throw error;
      await delay(clock, FIRST_TRIES_EVERY_MS);
    }
  }
}

const emptyRecord = (owner: string, at: number): MemberRecord & { readonly owner: string } => ({
  owner,
  stream: null,
  consumer: null,
  last: { sequence: 0, consumerSequence: 0 },
  open: [],
  settled: [],
  functions: [],
  counts: new Map(),
  at,
});

async function isAlive({ connection }: JetStreamApi, owner: string): Promise<boolean> {
  try {
    await connection.request(owner, undefined, { timeout: ANSWER_WITHIN_MS });
    return true;
  } catch (error) {
    return !isNoResponders(error);
  }
}

/** Trying again would not help. */
const isRefusal = (error: unknown): boolean =>
  error instanceof NatsError && (error.api_error !== undefined || error.code === ErrorCode.PermissionsViolation);
