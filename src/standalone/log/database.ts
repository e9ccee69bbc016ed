import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TrigateError } from '../../domain/errors.ts';
import { integer, text } from './row.ts';

/**
 * One entry for each version of the schema; `user_version` counts those that were applied. Never edit one that was
 * released: add the next.
 *
 * `events.seq` is the one sequence of the whole log; AUTOINCREMENT never gives a number out twice, also not after
 * deletion. `claims` are events that were claimed and have no outcome yet; they carry what an event id is made of,
 * so that they can be named after the event itself has gone. `groups.lost` are events that were removed unread and
 * are not in `counts` yet.
 */
const migrations = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE topics (
     id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, created INTEGER NOT NULL,
     deleted INTEGER NOT NULL DEFAULT 0);
   CREATE UNIQUE INDEX topics_name ON topics (name) WHERE deleted = 0;
   CREATE TABLE events (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, time INTEGER NOT NULL,
     key TEXT, headers TEXT, data BLOB NOT NULL);
   CREATE INDEX events_topic ON events (topic);
   CREATE TABLE groups (
     id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, pattern TEXT NOT NULL, functions TEXT NOT NULL,
     position INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0);
   CREATE TABLE claims (
     grp INTEGER NOT NULL, seq INTEGER NOT NULL, topic TEXT NOT NULL, time INTEGER NOT NULL,
     PRIMARY KEY (grp, seq)) WITHOUT ROWID;
   CREATE TABLE counts (
     grp INTEGER NOT NULL, function TEXT NOT NULL, counts TEXT NOT NULL,
     PRIMARY KEY (grp, function)) WITHOUT ROWID;`,
];

export interface LogDatabase {
  readonly db: DatabaseSync;
  /** What makes the sequence numbers of this log differ from those of every other one. */
  readonly identity: string;
}

/**
 * Opens or makes the file, for this process alone: the lock is the kernel's and goes with the process, however it ends.
 * @throws TrigateError DATA_DIR_IN_USE when another process has it; INTERNAL when it is of a newer version
 */
export function openDatabase(path: string): LogDatabase {
  mkdirSync(dirname(path), { recursive: true });
  // A statement never waits for a lock: whoever holds it keeps it for as long as it lives.
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // EXCLUSIVE has to come before WAL: only then is there no shared-memory file, and one owner.
    // https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
    db.exec('PRAGMA cache_size=-16384; PRAGMA journal_size_limit=67108864');
    db.exec('BEGIN EXCLUSIVE');
    migrate(db, path);
    const identity = identify(db);
    db.exec('COMMIT');
    return { db, identity };
  } catch (error) {
    db.close();
    if (isLocked(error)) {
      throw new TrigateError(
        'DATA_DIR_IN_USE',
        `The data directory ${dirname(path)} is in use by another gateway; stop that one, or choose another directory with --data-dir.`,
      );
    }
    throw error;
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const version = integer(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version > migrations.length) {
    throw new TrigateError(
      'INTERNAL',
      `${path} was written by a newer version of Trigate (schema ${version}); this one knows schema ${migrations.length}.`,
    );
  }
  for (const migration of migrations.slice(version)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${migrations.length}`);
}

function identify(db: DatabaseSync): string {
  db.prepare("INSERT INTO meta VALUES ('identity', ?) ON CONFLICT DO NOTHING").run(randomUUID());
  return text(db.prepare("SELECT value FROM meta WHERE name = 'identity'").get()?.value);
}

const SQLITE_BUSY = 5;

/** The low byte of SQLite's extended result code is the primary one. */
function isLocked(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}
