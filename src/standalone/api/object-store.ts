import type { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { KubernetesObject } from '../../domain/resource.ts';
import { createWriter } from '../writer.ts';
import { createChangeHistory } from './change-history.ts';
import { type Change, createChangeRing } from './change-ring.ts';
import { expired, tooLargeVersion } from './status.ts';

/** Where an object is kept. `namespace` is empty for types without namespaces. */
export interface ObjectKey {
  /** `functions.kubeless.io` */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Durable objects with one sequence of versions. It keeps and tells; what an object may be is the business of its
 * callers. Objects that it hands out or takes in must not be changed afterwards.
 *
 * Writes are made in work that is given to `transact`. It is put off to the end of this turn of the event loop, and then
 * all that has come together runs in one transaction, one piece after the other, each seeing what those before it have
 * written: so a piece that reads, checks and writes has compared and swapped, and however many there are, they cost one
 * fsync. A piece that throws is undone, alone. When the transaction stands, the listeners are told, then the callers. When
 * it fails, everything is as it was before: nobody has seen a version of it, and all its callers are told the failure.
 *
 * Reads outside of such work are synchronous, and see only what stands.
 */
export interface ObjectStore {
  /** The version of the last write. */
  readonly version: number;
  get(key: ObjectKey): KubernetesObject | undefined;
  /**
   * Objects of a resource, of one namespace or of all, in the order of namespace and name.
   * @param version as they stood then; default: now
   * @throws StatusError 410 when that is forgotten, 504 when it is yet to come
   */
  list(resource: string, namespace?: string, version?: number): KubernetesObject[];
  /** Whether a namespace holds any object. */
  isUsed(namespace: string): boolean;
  /**
   * Runs `work`, which must be synchronous, in the transaction at the end of this turn. Resolves with its answer when that
   * stands; rejects with what it throws, or with why the transaction failed.
   */
  transact<T>(work: () => T): Promise<T>;
  /** Stores an object, new or not, under the next version, which it gets as `resourceVersion`. Only in `transact`. */
  put(key: ObjectKey, object: KubernetesObject): KubernetesObject;
  /** Removes an object and gives its last state, under the next version. Only in `transact`. */
  remove(key: ObjectKey): KubernetesObject | undefined;
  /**
   * Changes after a version, oldest first.
   * @throws StatusError 410 when some of them are forgotten
   */
  since(version: number): Change[];
  /** Called for each write when it stands, in order; it must not throw. The answer ends it. */
  subscribe(listener: (change: Change) => void): () => void;
  /** Commits what waits; afterwards writes are refused. Idempotent. */
  close(): void;
}

interface Pending {
  readonly change: Change;
  readonly bytes: number;
}

type Attempt<T> = { readonly type: 'done'; readonly value: T } | { readonly type: 'refused'; readonly error: Error };

const DEFAULT_HISTORY = { changes: 4096, bytes: 64 * 1024 * 1024 };

/**
 * @param db open; the tables are made when they are missing. It stays the caller's to close, after the store
 * @param options.history how much a watch can resume from, also after a restart
 */
export function createObjectStore(
  db: DatabaseSync,
  options: { clock?: Clock; history?: { changes: number; bytes: number } } = {},
): ObjectStore {
  const { clock = systemClock, history = DEFAULT_HISTORY } = options;
  db.exec(`
    CREATE TABLE IF NOT EXISTS objects (
      resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (resource, namespace, name)) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS object_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
  `);
  // A new store starts at the time of day, so that its versions lie after all those of a store that was thrown away:
  // whoever still watches from one of them is told 410 and lists again, instead of resuming in another history.
  db.prepare('INSERT INTO object_version VALUES (1, ?) ON CONFLICT DO NOTHING').run(clock.now());

  const select = db.prepare('SELECT body FROM objects WHERE resource = ? AND namespace = ? AND name = ?');
  const selectAll = db.prepare('SELECT body FROM objects WHERE resource = ? ORDER BY namespace, name');
  const selectNamespace = db.prepare('SELECT body FROM objects WHERE resource = ? AND namespace = ? ORDER BY name');
  const selectAny = db.prepare('SELECT 1 FROM objects WHERE namespace = ? LIMIT 1');
  const upsert = db.prepare('INSERT INTO objects VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body');
  const erase = db.prepare('DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?');
  const savepoint = db.prepare('SAVEPOINT piece');
  const undo = db.prepare('ROLLBACK TO piece');
  const release = db.prepare('RELEASE piece');
  const setVersion = db.prepare('UPDATE object_version SET version = ?');

  let current = Number(db.prepare('SELECT version FROM object_version').get()?.version);
  const kept = createChangeHistory(db);
  const before = kept.load(current);
  const ring = createChangeRing((before[0]?.change.version ?? current + 1) - 1, history);
  for (const { change, bytes } of before) ring.push(change, bytes);
  const listeners = new Set<(change: Change) => void>();

  function get({ resource, namespace, name }: ObjectKey): KubernetesObject | undefined {
    const row = select.get(resource, namespace, name);
    return row && parseRow(row);
  }

  /** Written in the transaction that runs now; empty outside of it. */
  let pending: Pending[] = [];
  const writer = createWriter(db, clock, {
    carry: () => kept.forgetBefore(ring.oldest),
    committed() {
      const written = pending;
      pending = [];
      for (const { change, bytes } of written) ring.push(change, bytes);
      for (const { change } of written) for (const listener of [...listeners]) listener(change);
    },
    rolledBack: () => backTo(0),
  });

  /** As if the writes from that one on had not been made. */
  function backTo(length: number): void {
    current -= pending.length - length;
    pending.length = length;
  }

  /** What it throws concerns it alone, as long as the transaction lives: SQLite gives up all of it when the disk is full. */
  function attempt<T>(work: () => T): Attempt<T> {
    const { length } = pending;
    savepoint.run();
    try {
      const value = work();
      release.run();
      return { type: 'done', value };
    } catch (error) {
      if (!db.isTransaction) throw error;
      undo.run();
      release.run();
      backTo(length);
      return { type: 'refused', error: asError(error) };
    }
  }

  function write(type: Change['type'], key: ObjectKey, object: KubernetesObject, previous?: KubernetesObject) {
    if (!db.isTransaction) throw new TrigateError('INTERNAL', 'An object was written outside of a transaction.');
    const version = current + 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const body = JSON.stringify(stored);
    const change = { type, resource: key.resource, version, object: stored, previous };
    if (type === 'DELETED') erase.run(key.resource, key.namespace, key.name);
    else upsert.run(key.resource, key.namespace, key.name, body);
    setVersion.run(version);
    kept.add(change, body);
    current = version;
    pending.push({ change, bytes: body.length * 2 });
    return stored;
  }

  function since(version: number): Change[] {
    const changes = ring.since(version);
    if (changes === undefined) throw expired(version, ring.oldest);
    return pending.length === 0 ? changes : [...changes, ...pending.map(({ change }) => change)];
  }

  return {
    get version() {
      return current;
    },
    get,
    list(resource, namespace, version = current) {
      if (version > current) throw tooLargeVersion(version, current);
      const rows = namespace === undefined ? selectAll.all(resource) : selectNamespace.all(resource, namespace);
      const now = rows.map(parseRow);
      return version === current ? now : rewound(now, since(version), resource, namespace);
    },
    async transact<T>(work: () => T) {
      const result = await writer.write(() => attempt(work));
      if (result.type === 'refused') throw result.error;
      return result.value;
    },
    isUsed: (namespace) => selectAny.get(namespace) !== undefined,
    put(key, object) {
      const previous = get(key);
      return write(previous ? 'MODIFIED' : 'ADDED', key, object, previous);
    },
    remove(key) {
      const previous = get(key);
      return previous && write('DELETED', key, previous, previous);
    },
    since,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => writer.close(),
  };
}

/** How the objects stood before these changes. */
function rewound(
  objects: readonly KubernetesObject[],
  changes: readonly Change[],
  resource: string,
  namespace: string | undefined,
): KubernetesObject[] {
  const byKey = new Map(objects.map((object) => [sortKey(object), object]));
  for (const change of changes.toReversed()) {
    if (change.resource !== resource) continue;
    if (namespace !== undefined && change.object.metadata.namespace !== namespace) continue;
    if (change.previous) byKey.set(sortKey(change.object), change.previous);
    else byKey.delete(sortKey(change.object));
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

/** Sorts like the columns: a space comes before every character that a name may have. */
export const sortKey = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''} ${metadata.name}`;

/** The body is what `write` has put there. */
function parseRow(row: Record<string, unknown>): KubernetesObject {
  if (typeof row.body !== 'string') throw new TrigateError('INTERNAL', 'The object store holds a row without a body.');
  return JSON.parse(row.body);
}
