import type { EachBatchPayload } from 'kafkajs';
import { asError, type Event, type Room, type SourceContext, type Subscription } from '../../src/sdk.ts';
import type { Claims } from './claim.ts';
import { type Batch, CHUNK, Decider, type Decision } from './decision.ts';
import type { OwnedPartition } from './partition.ts';
import { ReadAhead, Waiting } from './read-ahead.ts';
import { type KafkaTriggerSpec, skips } from './spec.ts';

/** A handler that is held up must send heartbeats: kafkajs has none in the background. */
const HEARTBEAT_EVERY_MS = 1_000;

/** What a handler uses of what kafkajs hands it. */
export interface BatchPayload extends Pick<EachBatchPayload, 'resolveOffset' | 'heartbeat'> {
  readonly batch: Batch & Pick<EachBatchPayload['batch'], 'lastOffset'>;
}

export interface ReaderHooks {
  /** Events of a partition were claimed. */
  readonly claimed: (partition: number) => void;
  /** All before this offset is claimed, or holds nothing to be claimed. */
  readonly reached: (partition: number, offset: number) => void;
  /** What was read from this offset on was thrown away by a member of the group that goes on reading. */
  readonly again: (partition: number, offset: number) => void;
  /** A claim was refused, and the membership goes on. */
  readonly failed: (error: Error) => void;
}

/**
 * Reads batches: reserve, claim, pass, chunk by chunk. A handler returns when its batch waits in order, so that kafkajs reads
 * on; it is held up while enough waits. One worker for each partition takes what waits, whenever a claim could leave at once.
 */
export class BatchReader {
  readonly #claims: Claims;
  readonly #decider: Decider;
  readonly #isSkipping: boolean;
  readonly #context: SourceContext;
  readonly #hooks: ReaderHooks;
  readonly #partitions = new Map<number, ReadAhead>();
  readonly #working = new Set<ReadAhead>();
  readonly #waiting = new Waiting();
  #isStopped = false;

  constructor(
    claims: Claims,
    cluster: string,
    { spec }: Subscription<KafkaTriggerSpec>,
    context: SourceContext,
    hooks: ReaderHooks,
  ) {
    this.#claims = claims;
    this.#decider = new Decider(spec, cluster, context);
    this.#isSkipping = skips(spec);
    this.#context = context;
    this.#hooks = hooks;
  }

  /** No room is asked for from now on, and what still comes is given back. */
  stop(): void {
    this.#isStopped = true;
    this.release();
  }

  /** The membership is about to end: what waits belongs to the next one. */
  release(): void {
    for (const ahead of this.#partitions.values()) ahead.drop();
  }

  /** Where a batch of a partition must begin, or before it: else events would be passed over. */
  endOf(owned: OwnedPartition): number {
    return this.#aheadOf(owned).end;
  }

  /** Between these offsets nothing is to be claimed. */
  passOver(owned: OwnedPartition, from: number, until: number): void {
    const ahead = this.#aheadOf(owned);
    if (ahead.passOver(from, until)) this.#tellIfReached(ahead);
  }

  /** @param from the offset that the batch was asked for with. What lies before the position is taken already. */
  async read(payload: BatchPayload, owned: OwnedPartition, from: number): Promise<void> {
    const { batch, resolveOffset } = payload;
    const ahead = this.#aheadOf(owned);
    if (!this.#isOurs(ahead) || !ahead.add(batch, from, Number(batch.lastOffset()) + 1)) return;
    resolveOffset(String(ahead.end - 1));
    void this.#work(ahead);
    while (ahead.isFull) {
      await this.#waiting.less.wait(this.#context.clock, HEARTBEAT_EVERY_MS);
      await payload.heartbeat();
    }
  }

  /** In doubt, with no record at hand: only what the coordinates say. */
  bare(partition: number, offset: number): Pick<Event, 'id' | 'time' | 'coordinates'> {
    return this.#decider.makerOf(partition).bare(offset);
  }

  #aheadOf(owned: OwnedPartition): ReadAhead {
    const { epoch } = this.#claims;
    const ahead = this.#partitions.get(owned.partition) ?? new ReadAhead(owned, epoch, this.#waiting);
    this.#partitions.set(owned.partition, ahead);
    ahead.restart(owned, epoch);
    return ahead;
  }

  #isOurs({ epoch, owned }: ReadAhead): boolean {
    return !this.#isStopped && this.#claims.isCurrent(epoch, owned.partition);
  }

  /** Takes what waits in a partition, until nothing does or it is not ours any more. Never rejects. */
  async #work(ahead: ReadAhead): Promise<void> {
    if (this.#working.has(ahead)) return;
    this.#working.add(ahead);
    let isRefused = false;
    while (!isRefused && ahead.size > 0 && this.#isOurs(ahead)) {
      const { epoch, owned } = ahead;
      await this.#step(ahead).catch((thrown) => {
        const error = asError(thrown);
        this.#context.log.debug({ error }, 'a claim was not made');
        isRefused = this.#claims.isCurrent(epoch, owned.partition);
        if (isRefused) this.#hooks.failed(error);
      });
    }
    this.#working.delete(ahead);
    if (ahead.size === 0) this.#tellIfReached(ahead);
    else this.#giveBack(ahead);
  }

  /** One claim. Decided on when it could leave at once, so that it takes along what came while another was on its way. */
  async #step(ahead: ReadAhead): Promise<void> {
    await this.#claims.turn();
    const room = await this.#reserve(ahead.size);
    try {
      if (room.size === 0 && room.reason === 'shutdown') this.stop();
      if (room.size === 0 || !this.#isOurs(ahead)) return;
      const { owned, epoch } = ahead;
      const messages = ahead.first();
      const decision = this.#decider.decide(messages, room.size, owned);
      if (decision.position > owned.position) await this.#take(decision, room, epoch, owned);
      else if (decision.count < messages.length) await owned.advanced(this.#context.clock, HEARTBEAT_EVERY_MS);
      ahead.taken(messages, decision.count);
    } finally {
      room.release();
    }
  }

  async #reserve(wanted: number): Promise<Room> {
    const { gate, clock } = this.#context;
    if (this.#isSkipping) return NO_ROOM;
    return gate.reserve(Math.min(CHUNK, wanted), clock.monotonic() + HEARTBEAT_EVERY_MS);
  }

  #giveBack(ahead: ReadAhead): void {
    const isMember = ahead.epoch === this.#claims.epoch && !this.#isStopped;
    ahead.drop();
    if (isMember) this.#hooks.again(ahead.owned.partition, ahead.end);
  }

  #tellIfReached(ahead: ReadAhead): void {
    const isIdle = ahead.size === 0 && !this.#working.has(ahead);
    if (isIdle && this.#isOurs(ahead)) this.#hooks.reached(ahead.owned.partition, ahead.end);
  }

  async #take(decision: Decision, room: Room, epoch: number, owned: OwnedPartition): Promise<void> {
    const { account } = this.#context;
    const { events, unwanted } = decision;
    const content = () => owned.storedWith(decision);
    const request = { epoch, partition: owned.partition, content };
    const claimed = await this.#claims.claim(events, request).catch((error) => {
      owned.markDirty();
      throw error;
    });
    // The membership ended while the claim was on its way: whoever has the partition now counts its events, as in doubt.
    if (!owned.isOurs) return;
    const chunk = owned.claimed(decision);
    this.#hooks.claimed(owned.partition);
    account.read(events.length + unwanted.length);
    for (const { event, reason } of unwanted) account.dropped(event, reason);
    chunk.passage = room.pass(claimed, ({ coordinates }, outcomes) => {
      if (coordinates.type === 'kafka') owned.settled(Number(coordinates.offset), outcomes, chunk);
    });
  }
}

/** What is skipped goes nowhere. */
const NO_ROOM: Room = {
  size: CHUNK,
  reason: 'paused_skip',
  pass: () => ({ disown() {}, abort() {} }),
  release() {},
};
