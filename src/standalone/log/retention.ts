import type { DatabaseSync } from 'node:sqlite';
import type { Cancel, Clock } from '../../domain/clock.ts';
import { asError } from '../../domain/errors.ts';
import type { Logger } from '../../domain/kind.ts';
import type { Writer } from '../writer.ts';
import type { StoredCoordinates } from './events.ts';
import type { GroupTable } from './groups.ts';
import { matches } from './names.ts';
import { integer } from './row.ts';
import type { TopicTable } from './topics.ts';

export interface RetentionLimits {
  /** Milliseconds since publication. */
  readonly maxAge: number;
  /** Bytes of the file that are in use. */
  readonly maxBytes: number;
}

export const defaultRetention: RetentionLimits = { maxAge: 7 * 24 * 3_600_000, maxBytes: 2 ** 30 };

/** How often age is looked at, milliseconds. */
const AGE_INTERVAL = 60_000;

/** What a stored event takes beside its data, bytes; a guess that only paces the removal. */
const ROW_OVERHEAD = 32;

/** Events that one transaction removes at most. */
const CHUNK = 1_000;

/**
 * Removes what is too old, too much, or of a deleted topic. The oldest goes first, a chunk in a transaction, with a turn
 * of the event loop for everybody else between two. In the same transaction each group's unread part of the chunk is
 * added to its losses; an open group hears of it right after, before it can decide on anything else.
 */
export interface Retention {
  /** Looks at bytes in use; cheap. */
  check(): void;
  /** Starts removing what there is to remove. */
  sweep(): void;
  stop(): void;
}

export interface RetentionParts {
  readonly db: DatabaseSync;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  /** Tells an open group. */
  lost(groupId: number, events: readonly StoredCoordinates[]): void;
}

interface Removal extends StoredCoordinates {
  readonly size: number;
}

export function createRetention(parts: RetentionParts, limits: RetentionLimits): Retention {
  const { db, writer, clock, topics, groups } = parts;
  const columns = 'SELECT seq, topic, time, length(data) AS size FROM events';
  const oldest = db.prepare(`${columns} ORDER BY seq LIMIT ${CHUNK}`);
  const ofTopic = db.prepare(`${columns} INDEXED BY events_topic WHERE topic = ? ORDER BY seq LIMIT ${CHUNK}`);
  const remove = db.prepare('DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))');
  const pages = db.prepare(
    'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
  );
  let turn: NodeJS.Immediate | undefined;
  let timer: Cancel | undefined;
  let stopped = false;

  const excess = () => integer(pages.get()?.bytes) - limits.maxBytes;

  /** From the front of the log, as far as age or bytes ask for it. */
  function expired(): Removal[] {
    const oldestAllowed = clock.now() - limits.maxAge;
    let bytes = excess();
    const removals: Removal[] = [];
    for (const row of oldest.iterate()) {
      const removal = removalOf(row);
      if (bytes <= 0 && removal.time >= oldestAllowed) break;
      bytes -= removal.size + ROW_OVERHEAD;
      removals.push(removal);
    }
    return removals;
  }

  const removalOf = (row: ReturnType<typeof oldest.get>): Removal => ({
    seq: integer(row?.seq),
    topic: topics.nameOf(integer(row?.topic)),
    time: integer(row?.time),
    size: integer(row?.size),
  });

  /** One chunk; false when there was nothing to remove. */
  function removeSome(): boolean {
    // Positions have to be true in the file before somebody counts what lies after them.
    writer.flush();
    const hidden = topics.hidden();
    const removals = hidden === undefined ? expired() : ofTopic.all(hidden).map(removalOf);
    if (removals.length > 0) removeAndCount(removals);
    else if (hidden !== undefined) writer.alone(() => topics.forget(hidden));
    return removals.length > 0 || hidden !== undefined;
  }

  function removeAndCount(removals: readonly Removal[]): void {
    const losses = groups.all().flatMap(({ id, filter, position }) => {
      const events = removals.filter(({ seq, topic }) => seq > position && matches(filter, topic));
      return events.length > 0 ? [{ id, events }] : [];
    });
    writer.alone(() => {
      remove.run(JSON.stringify(removals.map(({ seq }) => seq)));
      for (const { id, events } of losses) groups.addLost(id, events.length);
    });
    for (const { id, events } of losses) parts.lost(id, events);
  }

  function step(): void {
    turn = undefined;
    try {
      if (removeSome()) turn = setImmediate(step);
    } catch (error) {
      parts.log.error({ err: asError(error) }, 'old events could not be removed from the topic log');
    }
  }

  function sweep(): void {
    if (!stopped) turn ??= setImmediate(step);
  }

  function everyInterval(): void {
    timer = clock.after(AGE_INTERVAL, everyInterval);
    sweep();
  }

  everyInterval();
  return {
    check() {
      if (excess() > 0) sweep();
    },
    sweep,
    stop() {
      stopped = true;
      timer?.();
      clearImmediate(turn);
    },
  };
}
