import type { DatabaseSync } from 'node:sqlite';
import { TrigateError } from '../../domain/errors.ts';
import { checkTopicName } from './names.ts';
import { integer, text } from './row.ts';

/** The topics, in memory as in the file. The methods that change them run inside a transaction. */
export interface TopicTable {
  /** Grows with every change, so that others can keep what they derived. */
  readonly version: number;
  idOf(name: string): number | undefined;
  nameOf(id: number): string;
  /** Sorted. */
  names(): string[];
  /** The id of a topic, which is made if there is none. */
  ensure(name: string, now: number): number;
  /** @throws TrigateError ALREADY_EXISTS */
  create(name: string, now: number): void;
  /** Hides a topic; its events are removed afterwards. @throws TrigateError NOT_FOUND */
  hide(name: string): void;
  /** A deleted topic whose events may still be there. */
  hidden(): number | undefined;
  /** Forgets a hidden topic that has no events any more. */
  forget(id: number): void;
  /** Reads everything again: after a transaction that did not stand. */
  reload(): void;
}

export function createTopicTable(db: DatabaseSync): TopicTable {
  const live = new Map<string, number>();
  const nameById = new Map<number, string>();
  const hidden = new Set<number>();
  let version = 0;
  const insert = db.prepare('INSERT INTO topics (name, created) VALUES (?, ?)');
  const hide = db.prepare('UPDATE topics SET deleted = 1 WHERE id = ?');
  const remove = db.prepare('DELETE FROM topics WHERE id = ?');
  const all = db.prepare('SELECT id, name, deleted FROM topics');

  function reload(): void {
    version++;
    live.clear();
    nameById.clear();
    hidden.clear();
    for (const row of all.iterate()) {
      const id = integer(row.id);
      nameById.set(id, text(row.name));
      if (integer(row.deleted) === 0) live.set(text(row.name), id);
      else hidden.add(id);
    }
  }

  function ensure(name: string, now: number): number {
    const existing = live.get(name);
    if (existing !== undefined) return existing;
    const id = Number(insert.run(name, now).lastInsertRowid);
    live.set(name, id);
    nameById.set(id, name);
    version++;
    return id;
  }

  reload();
  return {
    get version() {
      return version;
    },
    idOf: (name) => live.get(name),
    nameOf: (id) => nameById.get(id) ?? '',
    names: () => [...live.keys()].sort(),
    ensure,
    create(name, now) {
      checkTopicName(name);
      if (live.has(name)) throw new TrigateError('ALREADY_EXISTS', `topic "${name}" already exists`);
      ensure(name, now);
    },
    hide(name) {
      const id = live.get(name);
      if (id === undefined) throw new TrigateError('NOT_FOUND', `there is no topic "${name}"`);
      hide.run(id);
      live.delete(name);
      hidden.add(id);
      version++;
    },
    hidden: () => hidden.values().next().value,
    forget(id) {
      remove.run(id);
      hidden.delete(id);
      nameById.delete(id);
    },
    reload,
  };
}
