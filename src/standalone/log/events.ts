import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TrigateError } from '../../domain/errors.ts';
import type { Message } from '../../domain/publish.ts';
import type { TopicFilter } from './names.ts';
import { matches } from './names.ts';
import type { Row } from './row.ts';
import { integer, optionalBytes, optionalText } from './row.ts';
import type { TopicTable } from './topics.ts';

/** Where an event stands in the log, and what its id is made of. */
export interface StoredCoordinates {
  readonly seq: number;
  readonly topic: string;
  /** When it was published, milliseconds since the epoch. */
  readonly time: number;
}

export interface StoredEvent extends StoredCoordinates {
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the data. */
  readonly size: number;
  /** Undefined when there is more of it than was asked for. */
  readonly data: Uint8Array | undefined;
}

export interface ReadLimit {
  /** Events. */
  readonly count: number;
  /** Bytes of data after which no further event is taken; the first one always is. */
  readonly bytes: number;
  /** Data of more bytes than this is left in the file. */
  readonly dataBytes: number;
}

export interface Batch {
  readonly events: readonly StoredEvent[];
  /** Where to read on: nothing else matches up to here. */
  readonly through: number;
  /** There was nothing after `through` when this was read. */
  readonly caughtUp: boolean;
}

/** Keys and headers of one event, bytes. */
const HEADER_LIMIT = 65_536;

/** How many numbers of the sequence one read of a wildcard looks at: others' events cost time too. */
const SCAN_WINDOW = 16_384;

/** @throws TrigateError TOO_LARGE */
export function checkSize(message: Message, headers: string | null, limit: number): void {
  const described = (message.key?.length ?? 0) + (headers?.length ?? 0);
  if (described > HEADER_LIMIT) {
    throw new TrigateError('TOO_LARGE', `key and headers have ${described} bytes; at most ${HEADER_LIMIT} are allowed`);
  }
  if (message.data.byteLength > limit) {
    throw new TrigateError('TOO_LARGE', `the event has ${message.data.byteLength} bytes; at most ${limit} are allowed`);
  }
}

/** JSON, or null where there are none. */
export function headersText(headers: Message['headers']): string | null {
  const text = JSON.stringify(headers);
  return text === '{}' ? null : text;
}

export interface EventTable {
  /** Inside a transaction. Answers the sequence number. */
  insert(topic: number, time: number, key: string | null, headers: string | null, data: Uint8Array): number;
  /** The highest number that was ever given out. */
  last(): number;
  read(filter: TopicFilter, after: number, head: number, limit: ReadLimit): Batch;
}

const COLUMNS = `seq, topic, time, key, headers, length(data) AS size,
  CASE WHEN length(data) <= ? THEN data END AS data`;

export function createEventTable(db: DatabaseSync, topics: TopicTable): EventTable {
  const insert = db.prepare('INSERT INTO events (topic, time, key, headers, data) VALUES (?, ?, ?, ?, ?)');
  const last = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'");
  const ofTopic = db.prepare(
    `SELECT ${COLUMNS} FROM events INDEXED BY events_topic WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?`,
  );
  // The + keeps SQLite from looking topics up one by one and sorting them afterwards.
  const ofTopics = db.prepare(
    `SELECT ${COLUMNS} FROM events WHERE +topic IN (SELECT value FROM json_each(?)) AND seq > ? AND seq <= ?
     ORDER BY seq LIMIT ?`,
  );
  const idsByPattern = new Map<string, { version: number; ids: string }>();

  function idsOf(filter: TopicFilter & { type: 'wildcard' }): string {
    const known = idsByPattern.get(filter.pattern);
    if (known?.version === topics.version) return known.ids;
    const ids = topics.names().flatMap((name) => (matches(filter, name) ? (topics.idOf(name) ?? []) : []));
    const entry = { version: topics.version, ids: JSON.stringify(ids) };
    idsByPattern.set(filter.pattern, entry);
    return entry.ids;
  }

  function select(
    filter: TopicFilter,
    after: number,
    end: number,
    limit: ReadLimit,
  ): ReturnType<StatementSync['iterate']> {
    if (filter.type === 'wildcard') {
      return ofTopics.iterate(limit.dataBytes, idsOf(filter), after, end, limit.count);
    }
    return ofTopic.iterate(limit.dataBytes, topics.idOf(filter.topic) ?? -1, after, limit.count);
  }

  return {
    insert: (topic, time, key, headers, data) => Number(insert.run(topic, time, key, headers, data).lastInsertRowid),
    last() {
      const row = last.get();
      return row === undefined ? 0 : integer(row.seq);
    },
    read(filter, after, head, limit) {
      const end = filter.type === 'wildcard' ? Math.min(head, after + SCAN_WINDOW) : head;
      const events: StoredEvent[] = [];
      let bytes = 0;
      let full = false;
      for (const row of select(filter, after, end, limit)) {
        const event = storedEvent(row, topics);
        events.push(event);
        bytes += event.data?.byteLength ?? 0;
        full = events.length >= limit.count || bytes >= limit.bytes;
        if (full) break;
      }
      const through = full ? (events.at(-1)?.seq ?? after) : Math.max(end, after);
      return { events, through, caughtUp: through >= head };
    },
  };
}

function storedEvent(row: Row, topics: TopicTable): StoredEvent {
  return {
    seq: integer(row.seq),
    topic: topics.nameOf(integer(row.topic)),
    time: integer(row.time),
    key: optionalText(row.key),
    headers: parseHeaders(optionalText(row.headers)),
    size: integer(row.size),
    data: optionalBytes(row.data),
  };
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function parseHeaders(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return NO_HEADERS;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return NO_HEADERS;
  return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, String(content)]));
}
