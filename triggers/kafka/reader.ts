import type { EachBatchPayload } from 'kafkajs';
import type { Event, Room, SourceContext, Subscription } from '../../src/sdk.ts';
import type { Claims } from './claim.ts';
import { type Batch, CHUNK, Decider, type Decision } from './decision.ts';
import type { OwnedPartition } from './partition.ts';
import { type KafkaTriggerSpec, skips } from './spec.ts';

/** While it waits for room, a handler must send heartbeats: kafkajs has none in the background. */
const HEARTBEAT_EVERY_MS = 1_000;

/** What a handler uses of what kafkajs hands it. */
export interface BatchPayload extends Pick<EachBatchPayload, 'resolveOffset' | 'heartbeat' | 'isRunning' | 'isStale'> {
  readonly batch: Batch;
}

/** Reads batches: reserve, claim, pass, chunk by chunk. Returns when all is passed, not when it is answered. */
export class BatchReader {
  readonly #claims: Claims;
  readonly #decider: Decider;
  readonly #isSkipping: boolean;
  readonly #context: SourceContext;
  #isStopped = false;

  constructor(claims: Claims, cluster: string, { spec }: Subscription<KafkaTriggerSpec>, context: SourceContext) {
    this.#claims = claims;
    this.#decider = new Decider(spec, cluster, context);
    this.#isSkipping = skips(spec);
    this.#context = context;
  }

  /** Called when events of a partition were claimed. */
  onClaimed: (partition: number) => void = () => {};

  /** No room is asked for from now on, and what still comes is given back. */
  stop(): void {
    this.#isStopped = true;
  }

  /** What lies before the position of the partition is taken already. */
  async read(payload: BatchPayload, owned: OwnedPartition): Promise<void> {
    const { batch, resolveOffset } = payload;
    const epoch = this.#claims.epoch;
    const isOurs = () =>
      !this.#isStopped && payload.isRunning() && !payload.isStale() && this.#claims.isCurrent(epoch, batch.partition);
    let next = firstFrom(batch, owned.position);
    const resolve = () => resolveOffset(String(owned.position - 1));
    if (next > 0) resolve();
    while (next < batch.messages.length && isOurs()) {
      const room = await this.#reserve(batch.messages.length - next, payload, isOurs);
      if (room === undefined) return;
      try {
        const decision = this.#decider.decide(batch, next, room.size, owned);
        if (decision.position > owned.position) await this.#take(decision, room, epoch, owned);
        else await owned.advanced(this.#context.clock, HEARTBEAT_EVERY_MS);
        next = decision.next;
      } finally {
        room.release();
      }
      resolve();
      await payload.heartbeat();
    }
  }

  /** In doubt, with no record at hand: only what the coordinates say. */
  bare(partition: number, offset: number): Pick<Event, 'id' | 'time' | 'coordinates'> {
    return this.#decider.makerOf(partition).bare(offset);
  }

  async #reserve(left: number, payload: BatchPayload, isOurs: () => boolean): Promise<Room | undefined> {
    const { gate, clock } = this.#context;
    if (this.#isSkipping) return NO_ROOM;
    for (;;) {
      const room = await gate.reserve(Math.min(CHUNK, left), clock.monotonic() + HEARTBEAT_EVERY_MS);
      if (!isOurs() || (room.size === 0 && room.reason === 'shutdown')) {
        room.release();
        return undefined;
      }
      if (room.size > 0) return room;
      await payload.heartbeat();
    }
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
    this.onClaimed(owned.partition);
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

/** The index of the first message at or behind a position. */
function firstFrom(batch: Batch, position: number): number {
  if (Number(batch.messages[0]?.offset ?? position) >= position) return 0;
  const found = batch.messages.findIndex((message) => Number(message.offset) >= position);
  return found < 0 ? batch.messages.length : found;
}
