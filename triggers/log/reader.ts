import type { Counts } from '../../src/sdk.ts';

/**
 * What this kind needs of a durable topic log. The embedded store has this shape; `cli` brings the two together.
 * Sequence numbers grow over the whole log, in the order of publication, and are never given out twice.
 */
export interface LogReader {
  /** Makes event ids of this log differ from those of every other one. */
  readonly identity: string;
  /** Opens a group for one owner at a time; where it has no position, it begins at `startFrom`, for good. */
  openGroup(request: GroupRequest, owner: GroupOwner): LogGroup;
}

export interface GroupRequest {
  readonly name: string;
  /** A topic, or a NATS subject with wildcards. */
  readonly pattern: string;
  readonly startFrom: 'newest' | 'earliest';
  readonly functions: readonly string[];
}

/** The log calls these in its own time, never from within a call of the group's methods but `close`. */
export interface GroupOwner {
  /** Something that matches was published. */
  published(): void;
  /** These events after the position are gone, before anybody decided on them. */
  lost(events: readonly StoredCoordinates[]): void;
  /** The group's changes could not be stored, and it takes no more. */
  failed(error: Error): void;
  /** Counts that fit the position, the claims and the settlements told so far; stored in one transaction with them. */
  counts(): Iterable<readonly [functionName: string, counts: Counts]>;
}

export interface LogGroup {
  /** All events up to this one are decided on. */
  readonly position: number;
  readonly predecessor: Predecessor;
  /** The predecessor's claims and losses are in the owner's counts now: stores that. */
  adopt(): Promise<void>;
  read(after: number, limit: ReadLimit): Batch;
  /** Resolves when the claim and the position are on the disk; rejects when that is in doubt. */
  claim(seqs: readonly number[], through: number): Promise<void>;
  /** Moves the position; stored soon. */
  skip(through: number): void;
  /** Forgets a claim that has its outcome; stored soon. */
  settle(seq: number): void;
  /** Stores what is left. Afterwards this handle changes nothing. */
  close(): void;
}

export interface Predecessor {
  readonly counts: ReadonlyMap<string, Counts>;
  /** The functions that its claims were for. */
  readonly functions: readonly string[];
  /** Claimed and never settled. */
  readonly inDoubt: readonly StoredCoordinates[];
  /** Events lost while nobody had the group open. */
  readonly lost: number;
}

export interface StoredCoordinates {
  readonly seq: number;
  readonly topic: string;
  /** Publication, milliseconds since the epoch. */
  readonly time: number;
}

export interface StoredEvent extends StoredCoordinates {
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly size: number;
  /** Undefined when larger than `dataBytes`. */
  readonly data: Uint8Array | undefined;
}

export interface ReadLimit {
  /** Events. */
  readonly count: number;
  /** Bytes of data after which no further event is taken. */
  readonly bytes: number;
  /** Larger data is not loaded. */
  readonly dataBytes: number;
}

export interface Batch {
  readonly events: readonly StoredEvent[];
  /** Where to read on. */
  readonly through: number;
  /** There was nothing more when this was read. */
  readonly caughtUp: boolean;
}
