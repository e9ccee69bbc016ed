import type { Clock, SourceContext } from '../../../src/sdk.ts';
import { asError, delay } from '../../../src/sdk.ts';
import { createInbox, ErrorCode, type Msg, NatsError, type NatsSubscription } from '../client.ts';
import { isNoResponders, type JetStreamApi } from './api.ts';
import { decodeRecord, encodeRecord, type MemberRecord } from './record.ts';
import { type Answer, askMember, type Question, questionOf, respond } from './report.ts';
import { NOTHING_TAKEN, type Taken, together } from './taken.ts';
import { isListening, type Turn, takeTurn } from './turn.ts';

/*
 * Members of a consumer: the processes that pull from one durable. Each has a slot of its own, a record that nobody else
 * writes while it lives. A slot changes hands by compare-and-swap, so a member that was taken for dead finds its next
 * record refused, and knows that its claims are another's in the account.
 *
 * Who lives is asked over NATS: a member answers at its inbox, and the server says at once when nobody listens there. One
 * that does not answer in time is taken for alive: then a new slot is made, and its claims are left to it.
 *
 * Members join one after the other (`turn.ts`): from the look at who lives until what the dead left is counted.
 */

/** How long it is believed that there are others, before they are asked again. */
const OTHERS_FOR_MS = 10_000;
/** A server may still send to a dead member when another one of its cluster already knows that it is gone. */
const LAST_DELIVERIES_MS = 250;

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
  /** Another member wants to know what we have. */
  onAsked: ((question: Question) => Promise<Answer>) | undefined;
  readonly #api: JetStreamApi;
  readonly #prefix: string;
  readonly #answering: NatsSubscription;
  readonly #clock: Clock;
  readonly #turn: Turn;
  #othersUntil: number;

  private constructor(parts: {
    api: JetStreamApi;
    prefix: string;
    owner: string;
    slots: readonly [Slot, ...Slot[]];
    answering: NatsSubscription;
    clock: Clock;
    turn: Turn;
    others: boolean;
  }) {
    this.#api = parts.api;
    this.#prefix = parts.prefix;
    this.owner = parts.owner;
    this.slots = parts.slots;
    this.#answering = parts.answering;
    this.#clock = parts.clock;
    this.#turn = parts.turn;
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
    { clock, log, signal }: Pick<SourceContext, 'clock' | 'log' | 'signal'>,
  ): Promise<Membership | undefined> {
    try {
      await api.ensureLedger(replicas);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      const fields = { error: asError(thrown).message };
      log.warn(fields, 'NATS allows no stream for the ledger: counts of JetStream triggers are of this process only');
      return undefined;
    }
    const prefix = `${api.ledgerRoot}.${durable}`;
    const turn = await takeTurn(api, `${prefix}.opening`, clock, signal);
    const owner = createInbox();
    let joined: Membership | undefined;
    const answering = api.connection.subscribe(owner, {
      callback: (error, message) => {
        if (error === null) void answer(message, joined?.onAsked).catch(() => {}); // The connection is lost: asked in vain.
      },
    });
    try {
      // Asked by others from here on.
      await api.connection.flush();
      const { slots, others } = await takeSlots(api, prefix, owner, clock);
      const deaths = slots.filter(({ found }) => found !== undefined && found.owner !== null);
      if (others && deaths.length > 0) await delay(clock, LAST_DELIVERIES_MS);
      joined = new Membership({ api, prefix, owner, slots, answering, clock, turn, others });
      return joined;
    } catch (error) {
      answering.unsubscribe();
      turn.end();
      throw error;
    }
  }

  /**
   * What the consumer delivered came to us, or to nobody. A member that died is another one until somebody has taken its
   * slot: what it claimed is counted then.
   */
  async isAlone(): Promise<boolean> {
    if (this.#clock.monotonic() < this.#othersUntil) return false;
    const others = await this.others();
    if (others.every(({ owner }) => owner === null)) return true;
    this.#othersUntil = this.#clock.monotonic() + OTHERS_FOR_MS;
    return false;
  }

  /** What the members have whose slots are not ours. Undefined when one does not say it. */
  async askOthers(question: Question): Promise<Taken | undefined> {
    const answers = await Promise.all((await this.others()).map((other) => this.#ask(other, question)));
    return answers.includes(undefined) ? undefined : together(answers.flatMap((answer) => answer ?? []));
  }

  async #ask({ subject, owner, consumer, taken }: Other, question: Question): Promise<Taken | undefined> {
    const answer = owner === null ? 'gone' : await askMember(this.#api, owner, question);
    if (answer === null) return NOTHING_TAKEN;
    if (answer !== 'gone') return answer;
    // What it had when it went is in its record; behind that it is like the dead one.
    const last = owner === null ? { consumer, taken } : ((await this.#recordAt(subject)) ?? { consumer, taken });
    return last.consumer === question.consumer ? last.taken : NOTHING_TAKEN;
  }

  /** The records of members whose slots are not ours. */
  async others(): Promise<Other[]> {
    const found: Other[] = [];
    for (const slot of await this.#api.slots(this.#prefix)) {
      const subject = `${this.#prefix}.${slot}`;
      const record = await this.#recordAt(subject);
      if (record !== undefined && record.owner !== this.owner) found.push({ ...record, subject });
    }
    return found;
  }

  async #recordAt(subject: string): Promise<MemberRecord | undefined> {
    const stored = await this.#api.record(subject);
    return stored && decodeRecord(stored.data);
  }

  /** What the dead left is counted: the next one may join. */
  hasTakenOver(): void {
    this.#turn.end();
  }

  /** Instead of `close`, when the source could not be opened. */
  async giveBack(): Promise<void> {
    await Promise.allSettled(this.slots.map((slot) => slot.giveBack()));
    this.close();
  }

  close(): void {
    this.#turn.end();
    this.#answering.unsubscribe();
  }
}

/** A slot that is not ours. */
export interface Other extends MemberRecord {
  readonly subject: string;
}

async function answer(message: Msg, onAsked: Membership['onAsked']): Promise<void> {
  const question = questionOf(message);
  if (question === undefined) message.respond();
  else if (onAsked !== undefined) respond(message, await onAsked(question));
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
    if (record.owner !== null && (await isListening(api, record.owner))) others = true;
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
  isKept: false,
  stream: null,
  consumer: null,
  last: { sequence: 0, consumerSequence: 0 },
  taken: NOTHING_TAKEN,
  open: [],
  settled: [],
  functions: [],
  counts: new Map(),
  at,
});

/** Trying again would not help. */
const isRefusal = (error: unknown): boolean =>
  error instanceof NatsError && (error.api_error !== undefined || error.code === ErrorCode.PermissionsViolation);
