import type { EachBatchPayload } from 'kafkajs';
import type { Event, Room, SourceContext } from '../../src/sdk.ts';
import type { Claims } from './claim.ts';
import { PartitionEvents } from './event.ts';
import type { KafkaTriggerSpec } from './spec.ts';

type Batch = EachBatchPayload['batch'];

/** Most events in one claim. With the gate's room it bounds what a crash leaves in doubt. */
const CHUNK = 512;
/** While it waits for room, a handler must send heartbeats: kafkajs has none in the background. */
const HEARTBEAT_EVERY_MS = 1_000;

/** Reads batches: reserve, claim, pass, chunk by chunk. Returns when all is passed, not when it is answered. */
export class PartitionReader {
  readonly #claims: Claims;
  readonly #cluster: string;
  readonly #spec: KafkaTriggerSpec;
  readonly #context: SourceContext;
  readonly #partitions = new Map<number, PartitionEvents>();
  #unsettled = 0;
  #onSettled: () => void = () => {};

  constructor(claims: Claims, cluster: string, spec: KafkaTriggerSpec, context: SourceContext) {
    this.#claims = claims;
    this.#cluster = cluster;
    this.#spec = spec;
    this.#context = context;
  }

  /**
   * @param epoch of the membership under which the batch arrived
   * @param position committed when the group was joined; what lies before it is taken already
   */
  async read(payload: EachBatchPayload, epoch: number, position: bigint | undefined): Promise<void> {
    const { batch, resolveOffset } = payload;
    const messages = batch.messages;
    let next = position === undefined ? 0 : firstFrom(batch, position);
    if (next > 0) resolveOffset(messages[next - 1]?.offset ?? batch.lastOffset());
    const isOurs = () => payload.isRunning() && !payload.isStale() && this.#claims.isCurrent(epoch, batch.partition);
    while (next < messages.length && isOurs()) {
      const room = await this.#reserve(Math.min(CHUNK, messages.length - next), payload, isOurs);
      if (room === undefined) return;
      try {
        next = await this.#take(payload, epoch, next, room);
      } finally {
        room.release();
      }
      resolveOffset(messages[next - 1]?.offset ?? batch.lastOffset());
      await payload.heartbeat();
    }
  }

  /** Resolves when everything that was passed is accounted, or at the deadline. */
  settled(deadline: number): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    const { clock } = this.#context;
    return new Promise((resolve) => {
      const cancel = clock.after(Math.max(0, deadline - clock.monotonic()), resolve);
      this.#onSettled = () => {
        cancel();
        resolve();
      };
    });
  }

  async #reserve(wanted: number, payload: EachBatchPayload, isOurs: () => boolean): Promise<Room | undefined> {
    const { gate, clock } = this.#context;
    for (;;) {
      const room = await gate.reserve(wanted, clock.monotonic() + HEARTBEAT_EVERY_MS);
      if (!isOurs() || room.reason === 'shutdown') {
        room.release();
        return undefined;
      }
      if (room.size > 0) return room;
      await payload.heartbeat();
    }
  }

  /** Claims and passes as many events as there is room for. Answers the index behind the last one taken. */
  async #take(payload: EachBatchPayload, epoch: number, from: number, room: Room): Promise<number> {
    const { batch } = payload;
    const events = this.#eventsOf(batch.partition);
    const taken: Event[] = [];
    const tooLarge: Event[] = [];
    let next = from;
    for (; next < batch.messages.length && taken.length < room.size && next - from < CHUNK; next++) {
      const message = batch.messages[next];
      if (message === undefined) break;
      const event = events.from(message);
      (event.data.length > this.#spec.delivery.maxBytes ? tooLarge : taken).push(event);
    }
    const offset = String(BigInt(batch.messages[next - 1]?.offset ?? batch.lastOffset()) + 1n);
    const at = { epoch, partition: batch.partition, offset };
    const claimed = await this.#claims.claim(taken, at, payload.commitOffsetsIfNecessary);
    const { account } = this.#context;
    account.read(taken.length + tooLarge.length);
    for (const event of tooLarge) account.dropped(event, 'too_large');
    this.#unsettled += claimed.length;
    room.pass(claimed, this.#settle);
    return next;
  }

  #settle = (): void => {
    if (--this.#unsettled === 0) this.#onSettled();
  };

  #eventsOf(partition: number): PartitionEvents {
    let events = this.#partitions.get(partition);
    if (events === undefined) {
      events = new PartitionEvents(this.#cluster, this.#spec.topic, partition, this.#spec.delivery.order);
      this.#partitions.set(partition, events);
    }
    return events;
  }
}

/** The index of the first message at or behind a position. */
function firstFrom(batch: Batch, position: bigint): number {
  const first = batch.messages[0];
  if (first === undefined || BigInt(first.offset) >= position) return 0;
  const found = batch.messages.findIndex((message) => BigInt(message.offset) >= position);
  return found < 0 ? batch.messages.length : found;
}
