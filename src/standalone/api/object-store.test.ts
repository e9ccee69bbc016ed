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

describe('an object store', () => {
  test('gives every write the next version, and tells it at once', () => {
    const { store } = open();
    const start = store.version;
    const told: string[] = [];
    const stop = store.subscribe(({ type, version }) => told.push(`${type} +${version - start}`));
    const made = store.put(keyOf('a'), thing('a'));
    expect(made.metadata.resourceVersion).toBe(String(start + 1));
    store.put(keyOf('a'), made);
    expect(store.remove(keyOf('a'))?.metadata.resourceVersion).toBe(String(start + 3));
    expect(store.remove(keyOf('a'))).toBeUndefined();
    stop();
    store.put(keyOf('b'), thing('b'));
    expect(told).toEqual(['ADDED +1', 'MODIFIED +2', 'DELETED +3']);
  });

  test('lists in the order of namespace and name, a dash before a letter', () => {
    const { store } = open();
    const names = [
      ['b', 'x'],
      ['a', 'x-y'],
      ['a', 'x'],
      ['a-b', 'x'],
    ] as const;
    for (const [namespace, name] of names) store.put(keyOf(name, namespace), thing(name, namespace));
    const shown = (objects: KubernetesObject[]) =>
      objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const sorted = ['a/x', 'a/x-y', 'a-b/x', 'b/x'];
    const { version } = store;
    expect(shown(store.list(RESOURCE))).toEqual(sorted);
    store.remove(keyOf('x', 'a'));
    expect(shown(store.list(RESOURCE, undefined, version))).toEqual(sorted);
    expect(shown(store.list(RESOURCE, 'a'))).toEqual(['a/x-y']);
  });

  test('lists as of any version that it remembers, whatever was written since', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { store } = open();
        const snapshots = [{ version: store.version, objects: store.list(RESOURCE) }];
        for (const [i, { name, remove }] of steps.entries()) {
          if (remove) store.remove(keyOf(name));
          else store.put(keyOf(name), thing(name, 'default', { i }));
          snapshots.push({ version: store.version, objects: store.list(RESOURCE) });
        }
        for (const { version, objects } of snapshots) expect(store.list(RESOURCE, undefined, version)).toEqual(objects);
      }),
      { numRuns: 30 },
    );
  });

  test('refuses versions that it has forgotten, and those to come', () => {
    const { store } = open({ changes: 2, bytes: 1e6 });
    const start = store.version;
    for (const name of ['a', 'b', 'c']) store.put(keyOf(name), thing(name));
    expect(store.since(start + 1)).toHaveLength(2);
    expect(() => store.since(start)).toThrow(/too old resource version/);
    expect(() => store.list(RESOURCE, undefined, start)).toThrow(/too old resource version/);
    expect(() => store.list(RESOURCE, undefined, start + 4)).toThrow(/Too large resource version/);
  });

  test('forgets earlier when its objects are large', () => {
    const { store } = open({ changes: 1000, bytes: 10_000 });
    const start = store.version;
    for (let i = 0; i < 10; i++) store.put(keyOf(`n${i}`), thing(`n${i}`, 'default', 'x'.repeat(2_000)));
    expect(() => store.since(start)).toThrow(/too old/);
    expect(store.since(store.version - 1)).toHaveLength(1);
  });

  test('goes on where another one on the same database stopped', () => {
    const { store, db } = open();
    store.put(keyOf('a'), thing('a'));
    const again = createObjectStore(db);
    expect(again.version).toBe(store.version);
    expect(again.list(RESOURCE)).toEqual(store.list(RESOURCE));
    expect(again.since(again.version)).toEqual([]);
    expect(() => again.since(again.version - 1)).toThrow(/too old/);
  });

  test('a write that fails changes nothing and tells nothing', () => {
    const { store, db } = open();
    const { version } = store;
    db.exec("CREATE TRIGGER no BEFORE INSERT ON objects BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect(() => store.put(keyOf('a'), thing('a'))).toThrow(/disk full/);
    expect(store.version).toBe(version);
    expect(store.since(version)).toEqual([]);
    db.exec('DROP TRIGGER no');
    expect(store.put(keyOf('a'), thing('a')).metadata.resourceVersion).toBe(String(version + 1));
  });
});
