/** An event on its way into a topic. */
export interface Message {
  readonly data: Uint8Array;
  readonly key?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a published event was stored. A source without coordinates (core NATS) answers neither. */
export interface Published {
  readonly topic: string;
  readonly partition?: number;
  readonly offset?: string;
  /** Of JetStream, beside the offset. */
  readonly stream?: string;
}

/** What `topic` commands and `POST /v1/topics/{topic}` act on: a broker, or the embedded log. */
export interface Topics {
  /** `kafka`, `nats`, `jetstream` or `log`. */
  readonly name: string;
  publish(topic: string, message: Message): Promise<Published>;
  /** Answers how many partitions it has: there may be brokers that have no choice. */
  create(topic: string, options: { partitions: number }): Promise<{ partitions: number }>;
  delete(topic: string): Promise<void>;
  list(): Promise<string[]>;
  close(): Promise<void>;
}
