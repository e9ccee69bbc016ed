import {
  type DroppedReason,
  type Event,
  type Outcome,
  type Passage,
  type Room,
  type SourceContext,
  type Subscription,
  TrigateError,
} from '../../../src/sdk.ts';
import { claimDelivered } from '../claim.ts';
import type { Msg } from '../client.ts';
import type { StreamEvent, StreamEvents } from '../event.ts';
import type { NatsTriggerSpec } from '../spec.ts';
import type { ConsumerFacts, JetStreamApi, StreamFacts } from './api.ts';
import type { Books } from './books.ts';
import { type DeliveryInfo, deliveryInfo } from './delivery-info.ts';
import type { Membership } from './membership.ts';
import { MissingDeliveries } from './missing.ts';
import type { Naming } from './naming.ts';
import type { Pulled, Puller } from './pull.ts';
import type { MemberRecord } from './record.ts';
import type { Answer, Question } from './report.ts';
import { Settlement } from './settlement.ts';
import { together } from './taken.ts';
import { tellDoubts } from './takeover.ts';

export interface ReadingParts {
  readonly api: JetStreamApi;
  readonly subscription: Subscription<NatsTriggerSpec>;
  readonly context: SourceContext;
  readonly stream: StreamFacts;
  readonly durable: string;
  readonly consumer: ConsumerFacts;
  /** Undefined: there are no records. */
  readonly membership: Membership | undefined;
  /** What the slots beside our own hold; they do not change while they are ours. */
  readonly others: readonly MemberRecord[];
  readonly books: Books;
  readonly events: StreamEvents;
  readonly naming: Naming;
  readonly puller: Puller;
}

/** Events that were passed together and are not all settled. */
interface Chunk {
  passage: Passage | undefined;
  left: number;
}

const TERMINATE = new TextEncoder().encode('+TERM');

/** What becomes of the deliveries of one consumer: claimed and passed, dropped, or found missing; and settled. */
export class Reading {
  readonly #puller: Puller;
  /** Another process took our records for a dead member's. */
  onTaken: () => void = () => {};
  readonly #parts: ReadingParts;
  readonly #settlement: Settlement;
  readonly #missing: MissingDeliveries;
  /** What a crash may leave in doubt: claimed, and not called settled by a record. */
  readonly #window: number;
  readonly #chunks = new Set<Chunk>();
  /** Waiting for the moment at which nothing is on its way to us. */
  #onQuiet: (() => void)[] = [];
  #isQuiet = true;
  #waiting = 0;
  #redelivered = 0;
  #isOurs = true;
  #isLeaving = false;
  #isClosed = false;
  /** The last word is given up or stored: what becomes of the slot now is its next owner's. */
  #isOver = false;
  #onAllSettled: () => void = () => {};
  #onStored: () => void = () => {};

  constructor(parts: ReadingParts) {
    const { api, context, membership, stream, subscription } = parts;
    const { functions } = subscription;
    const { room, concurrency } = subscription.spec.delivery;
    this.#puller = parts.puller;
    this.#puller.onLate = (message) => this.takeLate(message);
    this.#parts = parts;
    this.#window = room + concurrency;
    this.#settlement = new Settlement({
      api,
      slot: membership?.slots[0],
      replicas: stream.replicas,
      record: (settled) => this.#record(membership?.owner ?? null, settled),
      worthwhile: this.#window >> 2,
      onStored: () => this.#onStored(),
      clock: context.clock,
      log: context.log,
      onTaken: () => this.#taken(),
    });
    this.#missing = new MissingDeliveries({ ...parts, functions, isOurs: () => this.#isOurs });
    if (membership !== undefined) membership.onAsked = (question) => this.#answer(question);
  }

  /** `stream/consumer`. */
  get name(): string {
    return `${this.#parts.stream.name}/${this.#parts.durable}`;
  }

  get description(): string {
    const { durable, stream, subscription } = this.#parts;
    return `reads ${subscription.spec.topic} from stream ${stream.name} as consumer ${durable}`;
  }

  /** What a crash would leave in doubt now. */
  get unsettled(): number {
    return this.#parts.books.unsettled + this.#settlement.pending;
  }

  /** Deliveries that were refused because they had been made before. */
  get redelivered(): number {
    return this.#redelivered;
  }

  /** Waits until the window leaves so much that a pull is worth it; answers how much that is. */
  async headroom(): Promise<number> {
    for (;;) {
      const left = this.#window - this.unsettled;
      if (this.#isLeaving || left > this.#window >> 2 || this.#settlement.pending === 0) return Math.max(1, left);
      await new Promise<void>((resolve) => {
        this.#onStored = resolve;
      });
    }
  }

  /** Events that the consumer had not delivered when it delivered the last one. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A delivery came when nobody waited for it any more: passed if there is room, and counted in any case. */
  takeLate(message: Msg): void {
    if (!this.#isOurs) return;
    const { books, context, events, subscription } = this.#parts;
    const info = deliveryInfo(message.reply);
    const room = context.gate.tryReserve(1);
    if (room.size > 0 || info === undefined) {
      this.take([message], room);
      room.release();
      return;
    }
    const outcome: Outcome = { type: 'dropped', reason: room.reason };
    const event = events.bare(info.sequence, info.time, message.subject);
    this.#missing.upTo(info.consumerSequence - 1, info.sequence - 1);
    books.received(info);
    books.neverPassed(1, outcome);
    tellDoubts(context.account, [{ event, outcome, functions: subscription.functions, isNew: true }]);
    this.#settlement.settle({ sequence: info.sequence, reply: info.reply });
  }

  /** Pulls at most so many, waits at most that long, and passes on what came. */
  async pull(batch: number, wait: number, room: Room): Promise<Pulled> {
    this.#isQuiet = false;
    const pulled = await this.#puller.pull(batch, wait);
    this.take(pulled.messages, room);
    const { type } = pulled.end;
    // After any other end something may be to come.
    if (type === 'done' || type === 'lost') this.#quiet();
    return pulled;
  }

  /**
   * Decides on deliveries, and passes those that are claimed into the room. Not when another has our records: it finds
   * these deliveries missing, and counts them as never sent.
   */
  take(messages: readonly Msg[], room: Room): void {
    if (messages.length === 0 || !this.#isOurs) return;
    const claimed: StreamEvent[] = [];
    // All of them before the first is booked: what is booked and not passed would be lost without a word.
    for (const { info, event } of this.#eventsOf(messages)) {
      this.#missing.upTo(info.consumerSequence - 1, info.sequence - 1);
      this.#parts.books.received(info);
      this.#waiting = info.pending;
      this.#parts.context.account.read(1);
      const reason = this.#unwanted(event, info);
      if (reason === undefined) claimed.push(event);
      else this.#drop(event, reason, info);
    }
    this.#pass(claimed, room);
    this.#settlement.touch();
  }

  #eventsOf(messages: readonly Msg[]): { readonly info: DeliveryInfo; readonly event: StreamEvent }[] {
    const { context, events } = this.#parts;
    return messages.flatMap((message) => {
      const info = deliveryInfo(message.reply);
      if (info !== undefined) return [{ info, event: events.from(message, info) }];
      context.log.warn({ subject: message.subject }, 'NATS sent a message that is not a delivery of the consumer');
      return [];
    });
  }

  /** Counts deliveries that came to nobody. */
  async resolveGaps(): Promise<void> {
    if (await this.#missing.resolve({ asksLiving: false })) this.#settlement.touch();
  }

  /** @throws TrigateError when the consumer is gone, or another one; rejects otherwise when NATS does not answer */
  async ask(): Promise<ConsumerFacts> {
    const { api, consumer, durable, stream } = this.#parts;
    const found = await api.consumer(stream.name, durable);
    if (found === undefined)
      throw new TrigateError('NOT_FOUND', `the consumer ${durable} of stream ${stream.name} was deleted`);
    if (found.created !== consumer.created)
      throw new TrigateError('CONFLICT', `the consumer ${durable} of stream ${stream.name} was made anew`);
    return found;
  }

  /** The connection is lost: what was pulled comes no more, and what was acknowledged may not have come there. */
  disconnected(): void {
    this.#puller.reset();
    this.#settlement.repeat();
  }

  /**
   * Counts what was delivered to nobody. What is still on its way comes before the answer, mostly: after a long sleep of
   * this process, all that it slept through. Our record comes first: what would be pulled for another who has taken our
   * place would be sent, and counted there as never sent.
   * @throws TrigateError when the consumer is gone, or another one, or taken; rejects otherwise when NATS does not answer
   */
  async resync(): Promise<ConsumerFacts> {
    const { books } = this.#parts;
    await this.#settlement.prove();
    // Only when it has answered: until then what was pulled may still come.
    const found = await this.ask();
    this.#puller.reset();
    this.#quiet();
    const { delivered } = found;
    this.#missing.upTo(delivered.consumerSequence, delivered.sequence);
    books.reached(delivered);
    if (await this.#missing.resolve({ asksLiving: true })) this.#settlement.touch();
    return found;
  }

  /** Nothing more will be pulled: whoever waits for headroom need not. */
  leave(): void {
    this.#isLeaving = true;
    this.#onStored();
  }

  /** Resolves when nothing that was passed is without an outcome. */
  allSettled(): Promise<void> {
    if (this.#chunks.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onAllSettled = resolve;
    });
  }

  /** Stores the last word, and leaves. What is open now stays in doubt. */
  async close(): Promise<void> {
    const { membership, others, puller } = this.#parts;
    puller.reset();
    this.#quiet();
    this.#isClosed = true;
    this.#missing.close();
    await this.#settlement.close();
    const released = others.map((record, i) => membership?.slots[i + 1]?.store({ ...record, owner: null }));
    await Promise.allSettled(released);
    this.#isOver = true;
    membership?.close();
  }

  #record(owner: string | null, settled: readonly number[]): MemberRecord {
    const { books, consumer, context, stream, subscription } = this.#parts;
    return {
      owner: this.#isClosed ? null : owner,
      isKept: false,
      stream: stream.created,
      consumer: consumer.created,
      last: books.last,
      taken: books.taken.all,
      open: books.open,
      settled: settled.toSorted((a, b) => a - b),
      functions: subscription.functions,
      counts: books.counts,
      at: context.clock.now(),
    };
  }

  /**
   * What we have of these deliveries, told when none is on its way to us: of those that were made before we were asked,
   * what we do not have now, we shall never have.
   */
  async #answer({ consumer, from, through }: Question): Promise<Answer> {
    if (!this.#isQuiet) await new Promise<void>((resolve) => this.#onQuiet.push(resolve));
    const { books, consumer: own, others } = this.#parts;
    if (consumer !== own.created) return null;
    return together([books.taken.between(from, through), ...others.map(({ taken }) => taken)]);
  }

  #quiet(): void {
    this.#isQuiet = true;
    for (const resolve of this.#onQuiet.splice(0)) resolve();
  }

  #unwanted(event: StreamEvent, { count }: DeliveryInfo): DroppedReason | undefined {
    const { subscription, context } = this.#parts;
    const { maxAge, maxBytes } = subscription.spec.delivery;
    // Somebody edited the consumer: the event was delivered before, and tried then.
    if (count > 1) return 'claim_lost';
    if (event.data.length > maxBytes) return 'too_large';
    if (maxAge !== undefined && context.clock.now() - event.time > maxAge) return 'expired';
    return undefined;
  }

  #drop(event: StreamEvent, reason: DroppedReason, { count }: DeliveryInfo): void {
    const { api, books, context } = this.#parts;
    books.dropped(reason);
    context.account.dropped(event, reason);
    if (count > 1) {
      this.#redelivered++;
      api.connection.publish(event.ack, TERMINATE);
    } else this.#settlement.settle({ sequence: event.sequence, reply: event.ack });
  }

  #pass(events: readonly StreamEvent[], room: Room): void {
    if (events.length === 0) return;
    for (const { sequence } of events) this.#parts.books.claimed(sequence);
    const chunk: Chunk = { passage: undefined, left: events.length };
    this.#chunks.add(chunk);
    chunk.passage = room.pass(claimDelivered(events), (event, outcomes) => this.#settled(event, outcomes, chunk));
  }

  #settled(event: Event, outcomes: readonly Outcome[], chunk: Chunk): void {
    if (--chunk.left === 0) this.#chunks.delete(chunk);
    if (this.#isOurs && !this.#isClosed && isStreamEvent(event)) {
      this.#parts.books.settled(event.sequence, outcomes);
      this.#settlement.settle({ sequence: event.sequence, reply: event.ack });
    }
    if (this.#chunks.size === 0) this.#onAllSettled();
  }

  /** From now on our claims are in the account of another. */
  #taken(): void {
    if (this.#isOver) return;
    this.#isOurs = false;
    for (const chunk of this.#chunks) chunk.passage?.disown();
    const { books, context, others } = this.#parts;
    for (const counts of [books.counts, ...others.map((record) => record.counts)])
      for (const [name, own] of counts) context.account.release(name, own);
    this.onTaken();
  }
}

const isStreamEvent = (event: Event): event is StreamEvent =>
  'ack' in event && typeof event.ack === 'string' && 'sequence' in event && typeof event.sequence === 'number';
