import type { Admin, Kafka } from 'kafkajs';
import type { Cancel, Clock } from '../../src/sdk.ts';

/** Somebody who has to know where the partitions of a topic end, also while no fetch tells. */
export interface EndsListener {
  readonly topic: string;
  /** Whether nothing is to be asked for, since a fetch has told of it since that time. */
  isToldSince(time: number): boolean;
  told(ends: ReadonlyMap<number, number>): void;
}

/**
 * Asks the brokers for the ends of topics, for all triggers of a process at once, and only for topics of which no fetch has
 * told for a while: a consumer that hangs does not say so, and the lag of one that is paused is wanted too. Each time with a
 * connection of its own, since that of the consumer may be what hangs; and a client of kafkajs that was once asked for a
 * topic fails in everything when that topic is gone.
 */
export class EndOffsets {
  readonly #kafka: Kafka;
  readonly #every: number;
  readonly #listeners = new Set<EndsListener>();
  #cancel: Cancel | undefined;
  #asking: Promise<void> = Promise.resolve();

  /** @param every milliseconds */
  constructor(kafka: Kafka, every: number) {
    this.#kafka = kafka;
    this.#every = every;
  }

  listen(listener: EndsListener, clock: Clock): Cancel {
    this.#listeners.add(listener);
    this.#next(clock);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  /** Resolves when nothing is asked for. */
  close(): Promise<void> {
    this.#cancel?.();
    return this.#asking;
  }

  #next(clock: Clock): void {
    this.#cancel ??= clock.after(this.#every, () => {
      this.#cancel = undefined;
      const since = clock.monotonic() - this.#every;
      const topics = new Set([...this.#listeners].filter((one) => !one.isToldSince(since)).map(({ topic }) => topic));
      this.#asking = this.#ask(topics).then(() => {
        if (this.#listeners.size > 0) this.#next(clock);
      });
    });
  }

  /** Never rejects: what is not known now is asked for again. */
  async #ask(topics: ReadonlySet<string>): Promise<void> {
    if (topics.size === 0) return;
    const admin = this.#kafka.admin({ retry: { retries: 0 } });
    try {
      await admin.connect();
      for (const topic of topics) await this.#askFor(admin, topic);
    } catch {
      // The subscriptions say that the brokers cannot be reached.
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  async #askFor(admin: Admin, topic: string): Promise<void> {
    const found = await admin.fetchTopicOffsets(topic).catch(() => []);
    const ends = new Map(found.map(({ partition, high }) => [partition, Number(high)]));
    for (const listener of this.#listeners) if (listener.topic === topic) listener.told(ends);
  }
}
