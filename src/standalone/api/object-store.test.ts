import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { KubernetesObject } from '../../domain/resource.ts';
import { createObjectStore, type ObjectStore } from './object-store.ts';

const RESOURCE = 'things.example.com';
const keyOf = (name: string, namespace = 'default') => ({ resource: RESOURCE, namespace, name });
const thing = (name: string, namespace = 'default', spec: unknown = {}): KubernetesObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name, namespace },
  spec,
});

function open(history?: { changes: number; bytes: number }): { store: ObjectStore; db: DatabaseSync } {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => {
    if (db.isOpen) db.close();
  });
  return { store: createObjectStore(db, history ? { history } : {}), db };
}

const put = (store: ObjectStore, name: string, spec: unknown = {}, namespace = 'default') =>
  store.transact(() => store.put(keyOf(name, namespace), thing(name, namespace, spec)));
const remove = (store: ObjectStore, name: string, namespace = 'default') =>
  store.transact(() => store.remove(keyOf(name, namespace)));

describe('an object store', () => {
  test('gives every write the next version, and tells it', async () => {
    const { store } = open();
    const start = store.version;
    const told: string[] = [];
    const stop = store.subscribe(({ type, version }) => told.push(`${type} +${version - start}`));
    const made = await put(store, 'a');
    expect(made.metadata.resourceVersion).toBe(String(start + 1));
    await put(store, 'a');
    expect((await remove(store, 'a'))?.metadata.resourceVersion).toBe(String(start + 3));
    expect(await remove(store, 'a')).toBeUndefined();
    stop();
    await put(store, 'b');
    expect(told).toEqual(['ADDED +1', 'MODIFIED +2', 'DELETED +3']);
  });

  test('lists in the order of namespace and name, a dash before a letter', async () => {
    const { store } = open();
    const names = [
      ['b', 'x'],
      ['a', 'x-y'],
      ['a', 'x'],
      ['a-b', 'x'],
    ] as const;
    for (const [namespace, name] of names) await put(store, name, {}, namespace);
    const shown = (objects: KubernetesObject[]) =>
      objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const sorted = ['a/x', 'a/x-y', 'a-b/x', 'b/x'];
    const { version } = store;
    expect(shown(store.list(RESOURCE))).toEqual(sorted);
    await remove(store, 'x', 'a');
    expect(shown(store.list(RESOURCE, undefined, version))).toEqual(sorted);
    expect(shown(store.list(RESOURCE, 'a'))).toEqual(['a/x-y']);
  });

  test('lists as of any version that it remembers, whatever was written since', async () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), isRemoval: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { store } = open();
        const snapshots = [{ version: store.version, objects: store.list(RESOURCE) }];
        for (const [i, { name, isRemoval }] of steps.entries()) {
          if (isRemoval) await remove(store, name);
          else await put(store, name, { i });
          snapshots.push({ version: store.version, objects: store.list(RESOURCE) });
        }
        for (const { version, objects } of snapshots) expect(store.list(RESOURCE, undefined, version)).toEqual(objects);
      }),
      { numRuns: 30 },
    );
  });

  test('refuses versions that it has forgotten, and those to come', async () => {
    const { store } = open({ changes: 2, bytes: 1e6 });
    const start = store.version;
    for (const name of ['a', 'b', 'c']) await put(store, name);
    expect(store.since(start + 1)).toHaveLength(2);
    expect(() => store.since(start)).toThrow(/too old resource version/);
    expect(() => store.list(RESOURCE, undefined, start)).toThrow(/too old resource version/);
    expect(() => store.list(RESOURCE, undefined, start + 4)).toThrow(/Too large resource version/);
  });

  test('forgets earlier when its objects are large', async () => {
    const { store } = open({ changes: 1000, bytes: 10_000 });
    const start = store.version;
    for (let i = 0; i < 10; i++) await put(store, `n${i}`, 'x'.repeat(2_000));
    expect(() => store.since(start)).toThrow(/too old/);
    expect(store.since(store.version - 1)).toHaveLength(1);
  });

  test('goes on where another one on the same database stopped', async () => {
    const { store, db } = open();
    await put(store, 'a');
    const again = createObjectStore(db);
    expect(again.version).toBe(store.version);
    expect(again.list(RESOURCE)).toEqual(store.list(RESOURCE));
    expect(again.since(again.version)).toEqual([]);
    expect(again.since(again.version - 1)).toEqual(store.since(store.version - 1));
    expect(() => again.since(again.version - 2)).toThrow(/too old/);
  });

  test('does not take a history for whole that another program has not written on', async () => {
    const { store, db } = open();
    await put(store, 'a');
    db.exec('UPDATE object_version SET version = version + 1');
    const again = createObjectStore(db);
    expect(() => again.since(store.version)).toThrow(/too old/);
    await put(again, 'b');
    expect(createObjectStore(db).since(again.version - 1)).toHaveLength(1);
  });

  test('refuses all that waits when the database is gone, and does not go on trying', async () => {
    const { store, db } = open();
    const waiting = [put(store, 'a'), put(store, 'b')];
    db.close();
    for (const each of await Promise.allSettled(waiting)) expect(each.status).toBe('rejected');
    const late = put(store, 'c');
    store.close();
    await expect(late).rejects.toThrow();
  });

  test('a write that fails changes nothing and tells nothing', async () => {
    const { store, db } = open();
    const { version } = store;
    db.exec("CREATE TRIGGER no BEFORE INSERT ON objects BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(put(store, 'a')).rejects.toThrow(/disk full/);
    expect(store.version).toBe(version);
    expect(store.since(version)).toEqual([]);
    db.exec('DROP TRIGGER no');
    expect((await put(store, 'a')).metadata.resourceVersion).toBe(String(version + 1));
  });

  test('refuses a write outside of a transaction', () => {
    const { store } = open();
    expect(() => store.put(keyOf('a'), thing('a'))).toThrow(/outside of a transaction/);
  });
});

describe('the writes of one turn', () => {
  test('run in order in one transaction, and are told when it stands: watchers first, then callers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'objects-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'objects.db');
    const db = new DatabaseSync(path);
    onTestFinished(() => db.close());
    db.exec('PRAGMA journal_mode = WAL');
    const store = createObjectStore(db);
    const other = new DatabaseSync(path, { readOnly: true });
    onTestFinished(() => other.close());
    /** What another reader of the file sees: what stands. */
    const standing = () => other.prepare('SELECT count(*) AS n FROM objects').get()?.n;
    const start = store.version;
    const told: string[] = [];
    store.subscribe(({ object }) => told.push(`watch ${object.metadata.name}, standing ${standing()}`));
    const writes = ['a', 'b', 'c'].map(async (name) => {
      await put(store, name);
      told.push(`answer ${name}`);
    });
    expect(store.version).toBe(start);
    expect(store.list(RESOURCE)).toEqual([]);
    await Promise.all(writes);
    expect(store.version).toBe(start + 3);
    const watched = ['a', 'b', 'c'].map((name) => `watch ${name}, standing 3`);
    expect(told).toEqual([...watched, 'answer a', 'answer b', 'answer c']);
  });

  test('see those before them, so that of two that compare and swap one wins', async () => {
    const { store } = open();
    const { metadata } = await put(store, 'a', { by: 'nobody' });
    const swap = (by: string) =>
      store.transact(() => {
        if (store.get(keyOf('a'))?.metadata.resourceVersion !== metadata.resourceVersion) throw new Error('modified');
        return store.put(keyOf('a'), thing('a', 'default', { by }));
      });
    const [first, second] = await Promise.allSettled([swap('first'), swap('second')]);
    expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected']);
    expect(store.get(keyOf('a'))).toMatchObject({ spec: { by: 'first' } });
  });

  test('list each other inside the transaction, also as of a version before', async () => {
    const { store } = open();
    const before = store.version;
    const seen = await store.transact(() => {
      store.put(keyOf('a'), thing('a'));
      return [store.list(RESOURCE).length, store.list(RESOURCE, undefined, before).length];
    });
    expect(seen).toEqual([1, 0]);
  });

  test('are undone alone when they throw', async () => {
    const { store } = open();
    const start = store.version;
    const refused = store.transact(() => {
      store.put(keyOf('a'), thing('a'));
      store.put(keyOf('b'), thing('b'));
      throw new Error('no');
    });
    const [, made] = await Promise.allSettled([refused, put(store, 'c')]);
    await expect(refused).rejects.toThrow('no');
    expect(made).toMatchObject({ value: { metadata: { resourceVersion: String(start + 1) } } });
    expect(store.list(RESOURCE).map(({ metadata }) => metadata.name)).toEqual(['c']);
    expect(store.since(start)).toHaveLength(1);
  });

  test('all fail with a commit that fails, and the store goes on', async () => {
    const { store, db } = open();
    const start = store.version;
    const told: number[] = [];
    store.subscribe(({ version }) => told.push(version));
    // A deferred constraint is looked at by the commit.
    db.exec(`
      PRAGMA foreign_keys = ON;
      CREATE TABLE parent (id INTEGER PRIMARY KEY);
      CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER fails AFTER INSERT ON objects BEGIN INSERT INTO child VALUES (1); END`);
    const answers = await Promise.allSettled([put(store, 'a'), put(store, 'b')]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect([store.version, store.since(start), store.list(RESOURCE), told]).toEqual([start, [], [], []]);
    db.exec('DROP TRIGGER fails');
    expect((await put(store, 'c')).metadata.resourceVersion).toBe(String(start + 1));
    expect(told).toEqual([start + 1]);
  });

  test('stand when the store is closed in that turn; later ones are refused', async () => {
    const { store, db } = open();
    const written = put(store, 'a');
    store.close();
    await expect(written).resolves.toBeDefined();
    expect(createObjectStore(db).list(RESOURCE)).toHaveLength(1);
    await expect(put(store, 'b')).rejects.toThrow(/closed/);
  });
});
