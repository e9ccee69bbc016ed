import type { Clock } from '../../domain/clock.ts';
import { TrigateError } from '../../domain/errors.ts';
import type { Logger } from '../../domain/kind.ts';
import type { Topics } from '../../domain/publish.ts';
import { createWriter } from '../writer.ts';
import { openDatabase } from './database.ts';
import { checkSize, createEventTable, headersText } from './events.ts';
import type { GroupOwner, GroupRequest } from './groups.ts';
import { createGroupTable } from './groups.ts';
import { checkTopicName, topicFilter } from './names.ts';
import type { LogGroup, OpenGroup } from './open-group.ts';
import { openGroup } from './open-group.ts';
import type { RetentionLimits } from './retention.ts';
import { createRetention, defaultRetention } from './retention.ts';
import { createTopicTable } from './topics.ts';

export interface TopicLogOptions {
  /** The file, `<dataDir>/log.db`; its folder is made. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly retention?: RetentionLimits;
  /** Largest event, bytes. Default: 1 MiB. */
  readonly maxEventBytes?: number;
}

/** The durable topic log: topics, and groups that read them and claim their events at most once. */
export interface TopicLog extends Topics {
  readonly name: 'log';
  /** Makes event ids of this log differ from those of every other one. */
  readonly identity: string;
  /**
   * Opens a group, which begins at `startFrom` if it has no position yet; that first position is stored at once.
   * @throws TrigateError INVALID_ARGUMENT (pattern); CONFLICT while it is open already
   */
  openGroup(request: GroupRequest, owner: GroupOwner): LogGroup;
}

/**
 * Opens the log for this process alone. All that is published, claimed and settled in one turn of the event loop costs
 * one fsync.
 * @throws TrigateError DATA_DIR_IN_USE
 */
export function openTopicLog(options: TopicLogOptions): TopicLog {
  const { clock, log, retention: limits = defaultRetention, maxEventBytes = 2 ** 20 } = options;
  const { db, identity } = openDatabase(options.path);
  const topics = createTopicTable(db);
  const events = createEventTable(db, topics);
  const table = createGroupTable(db);
  const open = new Map<number, OpenGroup>();
  const published = new Set<string>();
  let head = events.last();
  let closed = false;

  const writer = createWriter(db, clock, {
    carry() {
      for (const group of open.values()) group.carry();
    },
    committed() {
      for (const group of open.values()) group.committed();
      if (published.size === 0) return;
      head = events.last();
      for (const group of open.values()) if ([...published].some(group.wants)) group.published();
      published.clear();
      retention.check();
    },
    rolledBack(error) {
      log.error({ err: error }, 'a transaction of the topic log failed');
      published.clear();
      topics.reload();
      for (const group of open.values()) group.rolledBack(error);
    },
  });

  const retention = createRetention(
    { db, writer, clock, log, topics, groups: table, lost: (id, rows) => open.get(id)?.lost(rows) },
    limits,
  );

  function alterTopics(apply: () => void): void {
    try {
      writer.alone(apply);
    } catch (error) {
      topics.reload();
      throw error;
    }
  }

  return {
    name: 'log',
    identity,

    async publish(topic, message) {
      checkTopicName(topic);
      const headers = headersText(message.headers);
      checkSize(message, headers, maxEventBytes);
      const seq = await writer.write(() => {
        const now = clock.now();
        published.add(topic);
        return events.insert(topics.ensure(topic, now), now, message.key ?? null, headers, message.data);
      });
      return { topic, offset: String(seq) };
    },

    async create(topic) {
      alterTopics(() => topics.create(topic, clock.now()));
      return { partitions: 1 };
    },

    async delete(topic) {
      alterTopics(() => topics.hide(topic));
      retention.sweep();
    },

    async list() {
      return topics.names();
    },

    openGroup(request, owner) {
      topicFilter(request.pattern);
      const stored = writer.alone(() => table.open(request, head));
      if (open.has(stored.id)) throw new TrigateError('CONFLICT', `group "${request.name}" is open already`);
      const group = openGroup(stored, request.functions, owner, {
        table,
        events,
        writer,
        head: () => head,
        closed: (one) => open.delete(one.id),
      });
      open.set(group.id, group);
      return group.handle;
    },

    async close() {
      if (closed) return;
      closed = true;
      retention.stop();
      for (const group of [...open.values()]) group.handle.close();
      writer.close();
      db.close();
    },
  };
}
