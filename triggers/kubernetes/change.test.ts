import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../src/sdk.ts';
import { Change, objectJson } from './change.ts';
import { eventMaker } from './event.ts';
import { kubernetesTriggerSpec } from './spec.ts';

const widgets = {
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  shortNames: [],
  namespaced: true,
};

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);

function widget(levels: number, n = 1): KubernetesObject {
  const metadata = { name: 'w', namespace: 'default', uid: 'u', resourceVersion: `${n}` };
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata, spec: { n, deep: nested(levels) } };
}

const modified = (before: KubernetesObject, after: KubernetesObject) =>
  new Change({
    uid: 'u',
    namespace: 'default',
    name: 'w',
    verb: 'modified',
    origin: 'watched',
    resourceVersion: after.metadata.resourceVersion ?? '',
    json: objectJson(after),
    oldJson: objectJson(before),
    time: 0,
    heardAt: 0,
  });

const spec = (more: object) =>
  kubernetesTriggerSpec.parse({
    resource: { apiVersion: 'example.com/v1', kind: 'Widget' },
    functionSelector: {},
    ...more,
  });

describe('objectJson', () => {
  test('leaves out what tools keep for themselves', () => {
    const metadata = {
      name: 'w',
      managedFields: [{}],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'yes' },
    };
    const json = objectJson({ apiVersion: 'v1', kind: 'Widget', metadata });
    expect(json).toBe('{"apiVersion":"v1","kind":"Widget","metadata":{"name":"w","annotations":{"mine":"yes"}}}');
  });
});

describe('an object that is nested more deeply than it can be written', () => {
  const change = modified(widget(9_000, 1), widget(9_000, 2));

  test.each(['object', 'envelope'] as const)('comes as a reference, which says so (%s)', (mode) => {
    const event = eventMaker(widgets, spec({ mode }))(change);
    const body = JSON.parse(Buffer.from(event.data).toString());
    const reference = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: expect.objectContaining({ uid: 'u' }) };
    expect(mode === 'object' ? body : body.object).toEqual(reference);
    expect(event.headers).toContainEqual(['event-object', 'unknown']);
  });

  test('changes that nobody can compare count', () => {
    expect(change.isWanted(spec({ changed: ['/spec/n'] }))).toBe(true);
    expect(modified(widget(2_000, 1), widget(2_000, 2)).isWanted(spec({ changed: ['/spec/deep'] }))).toBe(true);
    expect(modified(widget(100, 1), widget(100, 2)).isWanted(spec({ changed: ['/spec/deep'] }))).toBe(false);
  });
});
