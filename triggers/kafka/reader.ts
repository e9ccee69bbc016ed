import type { EachBatchPayload } from 'kafkajs';
import type { DroppedReason, Event, Room, SourceContext, Subscription } from '../../src/sdk.ts';
import type { Claims } from './claim.ts';
import { PartitionEvents } from './event.ts';
import type { OwnedPartition, Taking } from './partition.ts';
import type { KafkaTriggerSpec } from './spec.ts';

type Batch = EachBatchPayload['batch'];

/** Most events in one claim. With the gate's room it bounds what a crash leaves in doubt. */
const CHUNK = 512;
/** While it waits for room, a handler must send heartbeats: kafkajs has none in the background. */
const HEARTBEAT_EVERY_MS = 1_000;

/** Events of a batch that are decided on together. */
interface Decision extends Taking {
  readonly events: readonly Event[];
  readonly unwanted: readonly { readonly event: Event; readonly reason: DroppedReason }[];
  /** Index in the batch behind the last of them. */
  readonly next: number;
}

/** Reads batches: reserve, claim, pass, chunk by chunk. Returns when all is passed, not when it is answered. */
export class BatchReader {
  readonly #claims: Claims;
  readonly #cluster: string;
  readonly #spec: KafkaTriggerSpec;
  readonly #context: SourceContext;
  readonly #events = new Map<number, PartitionEvents>();
  #isStopped = false;

  constructor(claims: Claims, cluster: string, { spec }: Subscription<KafkaTriggerSpec>, context: SourceContext) {
    this.#claims = claims;
    this.#cluster = cluster;
    this.#spec = spec;
    this.#context = context;
  }

  /** No room is asked for from now on, and what still comes is given back. */
  stop(): void {
    this.#isStopped = true;
  }

  /** What lies before the position of the partition is taken already. */
  async read(payload: EachBatchPayload, owned: OwnedPartition): Promise<void> {
    const { batch, resolveOffset } = payload;
    const epoch = this.#claims.epoch;
    const isOurs = () =>
      !this.#isStopped && payload.isRunning() && !payload.isStale() && this.#claims.isCurrent(epoch, batch.partition);
    let next = firstFrom(batch, owned.position);
    if (next > 0) resolveOffset(batch.messages[next - 1]?.offset ?? batch.lastOffset());
    while (next < batch.messages.length && isOurs()) {
      const room = await this.#reserve(batch.messages.length - next, payload, isOurs);
      if (room === undefined) return;
      try {
        const decision = this.#decide(batch, next, room.size, owned);
        if (decision.next > next) await this.#take(decision, room, epoch, owned);
        else await owned.advanced(this.#context.clock, HEARTBEAT_EVERY_MS);
        next = decision.next;
      } finally {
        room.release();
      }
      if (next > 0) resolveOffset(batch.messages[next - 1]?.offset ?? batch.lastOffset());
      await payload.heartbeat();
    }
  }

  /** In doubt, with no record at hand: only what the coordinates say. */
  bare(partition: number, offset: number): Pick<Event, 'id' | 'time' | 'coordinates'> {
    return this.#eventsOf(partition).bare(offset);
  }

  async #reserve(left: number, payload: EachBatchPayload, isOurs: () => boolean): Promise<Room | undefined> {
    const { gate, clock } = this.#context;
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

  /** As many events as there is room for, in the gate and in the partition's window. */
  #decide(batch: Batch, from: number, size: number, owned: OwnedPartition): Decision {
    const { maxBytes, maxAge = Number.POSITIVE_INFINITY } = this.#spec.delivery;
    const oldest = this.#context.clock.now() - maxAge;
    const maker = this.#eventsOf(batch.partition);
    const limit = owned.limit(Number(batch.messages[from]?.offset));
    const events: Event[] = [];
    const offsets: number[] = [];
    const unwanted: { event: Event; reason: DroppedReason }[] = [];
    let next = from;
    let position = owned.position;
    for (; next < batch.messages.length && events.length < size && next - from < CHUNK; next++) {
      const message = batch.messages[next];
      const offset = Number(message?.offset);
      if (message === undefined || offset >= limit) break;
      const event = maker.from(message);
      if (event.data.length > maxBytes) {
        unwanted.push({ event, reason: 'too_large' });
      } else if (event.time < oldest) {
        unwanted.push({ event, reason: 'expired' });
      } else {
        events.push(event);
        offsets.push(offset);
      }
      position = offset + 1;
    }
    return { events, offsets, unwanted, dropped: unwanted.map(({ reason }) => reason), position, next };
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
    account.read(events.length + unwanted.length);
    for (const { event, reason } of unwanted) account.dropped(event, reason);
    chunk.passage = room.pass(claimed, ({ coordinates }, outcomes) => {
      if (coordinates.type === 'kafka') owned.settled(Number(coordinates.offset), outcomes, chunk);
    });
  }

  #eventsOf(partition: number): PartitionEvents {
    let events = this.#events.get(partition);
    if (events === undefined) {
      events = new PartitionEvents(this.#cluster, this.#spec.topic, partition, this.#spec.delivery.order);
      this.#events.set(partition, events);
    }
    return events;
  }
}

/** The index of the first message at or behind a position. */
function firstFrom(batch: Batch, position: number): number {
  if (Number(batch.messages[0]?.offset ?? position) >= position) return 0;
  const found = batch.messages.findIndex((message) => Number(message.offset) >= position);
  return found < 0 ? batch.messages.length : found;
}
