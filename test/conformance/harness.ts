import type { TriggerKind } from '../../src/domain/kind.ts';

/** The cases of the suite, in their order. */
export const caseNames = [
  'isolated: each function gets each event once',
  'shared: each function gets each event once',
  'nothing is claimed while there is no room',
  'what was claimed and never passed is not delivered again',
  'what was claimed and never settled is counted as unknown(crash)',
  'events of one key arrive in order',
  'closing under load finishes what was claimed, and the next source goes on behind it',
  'events published while nobody reads are read later, each once',
  'what is larger than maxBytes is dropped as too_large',
  'an event without data is delivered without data',
  'the bytes of an event are not changed',
  'a message that only looks like a CloudEvent is a message like any other',
  'the id of an event is the same whoever reads it, and no other event has it',
  'startFrom counts only where no position exists',
  'paused: nothing is claimed',
  'a broker that cannot be reached is said in a sentence',
  'opening that is aborted leaves nothing behind',
  'two sources of one group share the events',
] as const;
export type CaseName = (typeof caseNames)[number];

/** What the suite needs to know of a kind: `triggers/<kind>/harness.ts`. */
export interface Harness {
  readonly name: string;
  /** The source keeps events that nobody has claimed, and what is claimed outlives the process. */
  readonly durable: boolean;
  /** Cases that do not apply, each with the reason why, for a person. */
  readonly skips: Readonly<Partial<Record<CaseName, string>>>;
  /** Starts the broker, or finds the shared one. */
  start(): Promise<Broker>;
}

/** A real broker while the suite runs. */
export interface Broker {
  /** A topic with a new name and, where the broker has them, four partitions. */
  createTopic(): Promise<ConformanceTopic>;
  /** The kind with a connection of its own, as a process has it. */
  connect(): Connection;
  /** The kind, where nothing listens. Not asked for when the case is skipped. */
  connectNowhere(): Connection;
  /** Stores the object of a trigger, where claims hang on it, and answers its uid. */
  declare?(trigger: string): Promise<string>;
  /** What was published, from what the function got. Default: the same bytes. */
  readonly published?: (body: Buffer) => string;
  stop(): Promise<void>;
}

export interface Connection {
  readonly kind: TriggerKind;
  close(): Promise<void>;
}

export interface ConformanceTopic {
  /** `spec.topic` of a trigger that gets its events. */
  readonly pattern: string;
  /** Resolves when the broker has all of them. */
  publish(events: readonly Publication[]): Promise<void>;
  delete(): Promise<void>;
}

export interface Publication {
  /** What `order: key` goes by. Default: all events have one key. */
  readonly key?: string;
  /** `null`: no data at all, as far as the broker knows such a thing. */
  readonly data: Uint8Array | string | null;
  /** `content-type` of the message. */
  readonly contentType?: string;
}
