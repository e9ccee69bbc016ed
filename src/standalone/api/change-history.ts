import type { DatabaseSync } from 'node:sqlite';
import type { KubernetesObject } from '../../domain/resource.ts';
import type { Change } from './change-ring.ts';

/** What a watch can resume from, on the disk: so it can also after a restart. */
export interface ChangeHistory {
  /**
   * The newest changes without a gap between them, oldest first, with the bytes that each takes.
   * @param through version of the store: an older program may have written without a history
   */
  load(through: number): { readonly change: Change; readonly bytes: number }[];
  /** Call it in the transaction of the write. @param body the object of the change as JSON */
  add(change: Change, body: string): void;
  /** Changes before that version are not needed any more. */
  forgetBefore(version: number): void;
}

/** Rows that pile up before the old ones go. */
const SLACK = 256;

export function createChangeHistory(db: DatabaseSync): ChangeHistory {
  db.exec(`
    CREATE TABLE IF NOT EXISTS object_changes (
      version INTEGER PRIMARY KEY, type TEXT NOT NULL, resource TEXT NOT NULL, body TEXT NOT NULL, previous TEXT) STRICT;
  `);
  const insert = db.prepare('INSERT INTO object_changes VALUES (?, ?, ?, ?, ?)');
  const selectAll = db.prepare('SELECT * FROM object_changes ORDER BY version DESC');
  const erase = db.prepare('DELETE FROM object_changes WHERE version < ?');
  let forgottenBefore = 0;

  return {
    load(through) {
      const newest: { change: Change; bytes: number }[] = [];
      for (const row of selectAll.iterate()) {
        const entry = entryOf(row);
        if (entry?.change.version !== through - newest.length) break;
        newest.push(entry);
      }
      return newest.reverse();
    },
    add({ version, type, resource, previous }, body) {
      insert.run(version, type, resource, body, previous === undefined ? null : JSON.stringify(previous));
    },
    forgetBefore(version) {
      if (version < forgottenBefore + SLACK) return;
      forgottenBefore = version;
      erase.run(version);
    },
  };
}

function entryOf(row: Record<string, unknown>): { change: Change; bytes: number } | undefined {
  const { version, type, resource, body, previous } = row;
  if (typeof version !== 'number' || typeof resource !== 'string' || typeof body !== 'string') return undefined;
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return undefined;
  const object: KubernetesObject = JSON.parse(body);
  const before: KubernetesObject | undefined = typeof previous === 'string' ? JSON.parse(previous) : undefined;
  return { change: { type, resource, version, object, previous: before }, bytes: body.length * 2 };
}
