import { describe, expect, onTestFinished, test } from 'vitest';
import type { WatchOptions } from '../../../src/resources/resources.ts';
import type { WatchEvent } from '../../../src/resources/watch-events.ts';
import { type Sample, sample, sampleType, startApi, type TestApi } from '../../support/embedded-api.ts';
import { inTime } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Reads a watch event by event; each has to come in time. */
async function watch(api: TestApi, options: Partial<WatchOptions> = {}) {
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const stream = await api.resources.watch<Sample>(sampleType, { ...options, signal: ending.signal });
  const events = stream[Symbol.asyncIterator]();
  return async (): Promise<string> => {
    const { value, done } = await inTime('an event of the watch', events.next(), 5_000);
    return done ? 'end' : shown(value);
  };
}

const shown = (event: WatchEvent<Sample>): string =>
  event.type === 'BOOKMARK' ? `BOOKMARK ${event.resourceVersion}` : `${event.type} ${event.object.metadata.name}`;

describe('a watch', () => {
  test('from a version tells what has happened since, in order', async () => {
    await using api = await startApi();
    await api.resources.create(sampleType, sample('before'));
    const resourceVersion = String(api.store.version);
    await api.resources.create(sampleType, sample('a'));
    await api.resources.delete(sampleType, 'default', 'before');
    const next = await watch(api, { resourceVersion });
    expect(await next()).toBe('ADDED a');
    expect(await next()).toBe('DELETED before');
    await api.resources.patch(sampleType, 'default', 'a', { spec: { topic: 'x' } });
    expect(await next()).toBe('MODIFIED a');
  });

  test('without a version begins with all that exists', async () => {
    await using api = await startApi();
    await api.resources.create(sampleType, sample('a'));
    await api.resources.create(sampleType, sample('other', { namespace: 'other' }));
    const next = await watch(api, { namespace: 'default' });
    expect(await next()).toBe('ADDED a');
    await api.resources.create(sampleType, sample('unseen', { namespace: 'other' }));
    await api.resources.create(sampleType, sample('b'));
    expect(await next()).toBe('ADDED b');
  });

  test('from a version that the ring has forgotten is EXPIRED, and from one of the future too', async () => {
    await using api = await startApi({ history: { changes: 3, bytes: 1e6 } });
    const old = String(api.store.version);
    for (const name of ['a', 'b', 'c', 'd']) await api.resources.create(sampleType, sample(name));
    await expect(watch(api, { resourceVersion: old })).rejects.toMatchObject({ code: 'EXPIRED' });
    const future = String(api.store.version + 1);
    await expect(watch(api, { resourceVersion: future })).rejects.toMatchObject({ code: 'EXPIRED' });
  });

  test('gets a bookmark every ten seconds, also of changes that it does not show', async () => {
    const clock = new ManualClock();
    await using api = await startApi({ clock });
    const next = await watch(api, { namespace: 'default', resourceVersion: String(api.store.version) });
    await api.resources.create(sampleType, sample('unseen', { namespace: 'other' }));
    const { version } = api.store;
    clock.advance(10_000);
    expect(await next()).toBe(`BOOKMARK ${version}`);
    clock.advance(10_000);
    expect(await next()).toBe(`BOOKMARK ${version}`);
  });

  test('ends after timeoutSeconds, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    await using api = await startApi({ clock });
    const next = await watch(api, { resourceVersion: String(api.store.version), timeoutSeconds: 30 });
    clock.advance(29_999);
    expect(await next()).toMatch(/^BOOKMARK/);
    expect(await next()).toMatch(/^BOOKMARK/);
    clock.advance(1);
    expect(await next()).toBe('end');
    expect(clock.pending).toBe(0);
  });

  test('ends cleanly when the server closes', async () => {
    const clock = new ManualClock();
    const api = await startApi({ clock });
    const next = await watch(api);
    const ended = next();
    await api.app.close();
    expect(await ended).toBe('end');
    expect(clock.pending).toBe(0);
    await api.close();
  });

  test('in the form of tables has one row for each event', async () => {
    const clock = new ManualClock();
    await using api = await startApi({ clock });
    await api.resources.create(sampleType, sample('a'));
    const answer = await fetch(`${api.url}/apis/kubeless.io/v1beta1/sampletriggers?watch=1&timeoutSeconds=1`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    clock.advance(1_000);
    const [first = ''] = (await answer.text()).split('\n');
    expect(JSON.parse(first)).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', rows: [{ cells: ['a', 'orders', '', expect.any(String)] }] },
    });
  });

  test('asked for initial events says where they end', async () => {
    const clock = new ManualClock();
    await using api = await startApi({ clock });
    await api.resources.create(sampleType, sample('a'));
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1';
    const answer = await fetch(`${api.url}/apis/kubeless.io/v1beta1/sampletriggers?${query}`);
    clock.advance(1_000);
    const [added = '', bookmark = ''] = (await answer.text()).split('\n');
    expect(JSON.parse(added)).toMatchObject({ type: 'ADDED' });
    expect(JSON.parse(bookmark)).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });
});
