import type { DatabaseSync } from 'node:sqlite';
import { TrigateError } from '../../domain/errors.ts';
import type { Counts } from '../../domain/ledger.ts';
import { parseCounts, parseNames } from './counts.ts';
import type { StoredCoordinates } from './events.ts';
import type { TopicFilter } from './names.ts';
import { topicFilter } from './names.ts';
import { integer, text } from './row.ts';

/** Who reads and claims in the name of a group, while it has it open. */
export interface GroupOwner {
  /** Events that match have been stored. May come when there is nothing new. */
  published(): void;
  /** These events, after the position, were removed before anybody could decide on them. */
  lost(events: readonly StoredCoordinates[]): void;
  /** The group cannot go on: a transaction with its changes did not stand. What it stored before is as it was. */
  failed(error: Error): void;
  /** The counts as they stand, asked for inside each transaction that stores something of the group. */
  counts(): Iterable<readonly [functionName: string, counts: Counts]>;
}

export interface GroupRequest {
  readonly name: string;
  /** A topic, or a subject with wildcards. */
  readonly pattern: string;
  /** Where to begin, if the group has no position. */
  readonly startFrom: 'newest' | 'earliest';
  readonly functions: readonly string[];
}

/** What the group's owners before this one left behind. */
export interface Predecessor {
  readonly counts: ReadonlyMap<string, Counts>;
  /** The functions that its claims were made for. */
  readonly functions: readonly string[];
  /** Claimed, and nobody said what came of it. */
  readonly inDoubt: readonly StoredCoordinates[];
  /** Events removed unread that `counts` does not have yet. */
  readonly lost: number;
}

/** What is to be stored of a group with the next transaction. */
export interface GroupChanges {
  readonly id: number;
  readonly position: number;
  /** Sequence numbers of new claims, and of claims that have their outcome. */
  readonly claimed: readonly number[];
  readonly settled: readonly number[];
  readonly counts: Iterable<readonly [string, Counts]>;
}

export interface StoredGroup {
  readonly id: number;
  readonly filter: TopicFilter;
  readonly position: number;
}

/** The statements about groups. All but `predecessor` and `all` run inside a transaction. */
export interface GroupTable {
  open(request: GroupRequest, head: number): StoredGroup;
  predecessor(id: number): Predecessor;
  /** Takes a predecessor's claims and losses as counted. */
  adopt(id: number, functions: readonly string[]): void;
  store(changes: GroupChanges): void;
  all(): StoredGroup[];
  addLost(id: number, events: number): void;
}

export function createGroupTable(db: DatabaseSync): GroupTable {
  const insert = db.prepare(
    'INSERT INTO groups (name, pattern, functions, position) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern RETURNING id, pattern, position',
  );
  const byId = db.prepare('SELECT functions, lost FROM groups WHERE id = ?');
  const all = db.prepare('SELECT id, pattern, position FROM groups');
  const adopt = db.prepare('UPDATE groups SET functions = ? WHERE id = ?');
  const move = db.prepare('UPDATE groups SET position = ?, lost = 0 WHERE id = ?');
  const addLost = db.prepare('UPDATE groups SET lost = lost + ? WHERE id = ?');
  const claim = db.prepare(
    `INSERT INTO claims SELECT ?, seq, name, time FROM events JOIN topics ON topics.id = events.topic
     WHERE seq IN (SELECT value FROM json_each(?))`,
  );
  const settle = db.prepare('DELETE FROM claims WHERE grp = ? AND seq IN (SELECT value FROM json_each(?))');
  const settleAll = db.prepare('DELETE FROM claims WHERE grp = ?');
  const claims = db.prepare('SELECT seq, topic, time FROM claims WHERE grp = ? ORDER BY seq');
  const count = db.prepare(
    'INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (grp, function) DO UPDATE SET counts = excluded.counts',
  );
  const counts = db.prepare('SELECT function, counts FROM counts WHERE grp = ?');

  const stored = (row: ReturnType<typeof all.get>): StoredGroup => ({
    id: integer(row?.id),
    filter: topicFilter(text(row?.pattern)),
    position: integer(row?.position),
  });

  return {
    open(request, head) {
      const position = request.startFrom === 'newest' ? head : 0;
      return stored(insert.get(request.name, request.pattern, JSON.stringify(request.functions), position));
    },
    predecessor(id) {
      const row = byId.get(id);
      return {
        counts: new Map(counts.all(id).map((one) => [text(one.function), parseCounts(text(one.counts))])),
        functions: parseNames(text(row?.functions)),
        inDoubt: claims.all(id).map(({ seq, topic, time }) => ({
          seq: integer(seq),
          topic: text(topic),
          time: integer(time),
        })),
        lost: integer(row?.lost),
      };
    },
    adopt(id, functions) {
      settleAll.run(id);
      adopt.run(JSON.stringify(functions), id);
    },
    store(changes) {
      if (changes.settled.length > 0) settle.run(changes.id, JSON.stringify(changes.settled));
      if (changes.claimed.length > 0) {
        const { changes: made } = claim.run(changes.id, JSON.stringify(changes.claimed));
        if (made !== changes.claimed.length) {
          throw new TrigateError('INTERNAL', `${changes.claimed.length} events were to be claimed, ${made} are there`);
        }
      }
      move.run(changes.position, changes.id);
      for (const [name, value] of changes.counts) count.run(changes.id, name, JSON.stringify(value));
    },
    all: () => all.all().map(stored),
    addLost: (id, events) => void addLost.run(events, id),
  };
}
