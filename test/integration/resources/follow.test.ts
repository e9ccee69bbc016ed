import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/domain/clock.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { createResources } from '../../../src/resources/client.ts';
import { type Follower, type FollowOptions, follow } from '../../../src/resources/follow.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { type Sample, sample, sampleType, startApi } from '../../support/embedded-api.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { freePort } from '../../support/port.ts';
import { tempDir } from '../../support/temp.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Follows samples until the test ends, and remembers what `objects` were at each change. */
function start(resources: Resources, options: Partial<FollowOptions> = {}) {
  const seen: string[] = [];
  const follower: Follower<Sample> = follow<Sample>(resources, sampleType, {
    clock: systemClock,
    random: () => 0,
    log: silent,
    signal: new AbortController().signal,
    ...options,
    onChange: () => seen.push(shown(follower)),
  });
  onTestFinished(() => follower.close());
  return { follower, seen };
}

const shown = ({ objects }: Follower<Sample>): string =>
  [...objects]
    .map(([key, { spec }]) => `${key}=${spec?.topic}`)
    .sort()
    .join(' ');

const shows = (follower: Follower<Sample>, wanted: string) =>
  eventually(`the follower shows ${wanted}`, () => shown(follower) === wanted);

describe('a follower', () => {
  test('lists once, then follows each change', async () => {
    await using api = await startApi();
    await api.resources.create(sampleType, sample('a'));
    await api.resources.create(sampleType, sample('b'));
    const { follower, seen } = start(api.resources);
    await follower.synced;
    expect(seen).toEqual(['default/a=orders default/b=orders']);
    await eventually('it is connected', () => follower.status().type === 'connected');
    await api.resources.patch(sampleType, 'default', 'a', { spec: { topic: 'x' } });
    await api.resources.delete(sampleType, 'default', 'b');
    await api.resources.create(sampleType, sample('c', { namespace: 'other' }));
    await shows(follower, 'default/a=x other/c=orders');
    expect(seen.slice(1)).toEqual(['default/a=x default/b=orders', 'default/a=x', 'default/a=x other/c=orders']);
  });

  test('sees only what its selectors mean; what no longer matches is gone', async () => {
    await using api = await startApi();
    await api.resources.create(sampleType, sample('in', { labels: { app: 'web' } }));
    await api.resources.create(sampleType, sample('out'));
    const { follower } = start(api.resources, { labelSelector: 'app=web', namespace: 'default' });
    await shows(follower, 'default/in=orders');
    await api.resources.patch(sampleType, 'default', 'out', { metadata: { labels: { app: 'web' } } });
    await shows(follower, 'default/in=orders default/out=orders');
    await api.resources.patch(sampleType, 'default', 'in', { metadata: { labels: { app: null } } });
    await shows(follower, 'default/out=orders');
  });

  test('heals after a restart of the server on the same port, and learns what happened meanwhile', async () => {
    await using dir = await tempDir('follow');
    const path = `${dir.path}/objects.db`;
    const port = await freePort();
    const first = await startApi({ path, port });
    await first.resources.create(sampleType, sample('a'));
    await first.resources.create(sampleType, sample('b'));
    const resources = createResources({ url: first.url });
    onTestFinished(() => resources.close());
    const { follower } = start(resources);
    await shows(follower, 'default/a=orders default/b=orders');
    await first.close();
    const isCut = () => {
      const status = follower.status();
      return status.type === 'disconnected' && status.message.includes(`127.0.0.1:${port}`);
    };
    await eventually('it is disconnected, and says from where', isCut);
    expect(shown(follower)).toBe('default/a=orders default/b=orders');

    // The second server has other objects before anybody watches, and no memory of their changes.
    const between = await startApi({ path });
    await between.resources.delete(sampleType, 'default', 'a');
    await between.resources.patch(sampleType, 'default', 'b', { spec: { topic: 'new' } });
    await between.close();
    await using second = await startApi({ path, port });
    await shows(follower, 'default/b=new');
    await eventually('it is connected', () => follower.status().type === 'connected');
    await second.resources.create(sampleType, sample('c'));
    await shows(follower, 'default/b=new default/c=orders');
  });

  test('finds its way into a store that was thrown away and begun anew', async () => {
    const port = await freePort();
    const first = await startApi({ port });
    for (const name of ['a', 'b', 'c']) await first.resources.create(sampleType, sample(name));
    const resources = createResources({ url: first.url });
    onTestFinished(() => resources.close());
    const { follower } = start(resources);
    await shows(follower, 'default/a=orders default/b=orders default/c=orders');
    await first.close();
    await using second = await startApi({ port });
    await second.resources.create(sampleType, sample('d'));
    await shows(follower, 'default/d=orders');
  });

  test('reads a list of many pages', async () => {
    await using api = await startApi();
    await api.store.transact(() => {
      for (let i = 0; i < 501; i++)
        api.store.put({ resource: 'sampletriggers.kubeless.io', namespace: 'default', name: `n${i}` }, sample(`n${i}`));
    });
    const { follower, seen } = start(api.resources);
    await follower.synced;
    expect(follower.objects.size).toBe(501);
    expect(seen).toHaveLength(1);
  });

  test('closed before its first list says so to whoever waits', async () => {
    const resources = createResources({ url: `http://127.0.0.1:${await freePort()}` });
    const { follower } = start(resources);
    const waiting = expect(follower.synced).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
    await follower.close();
    await follower.close();
    await waiting;
    await resources.close();
  });
});

interface Script {
  readonly requests: URL[];
  readonly resources: Resources;
}

/** An API server that answers by a script: what a cluster's server does on its bad days. */
async function scripted(answer: (url: URL, response: ServerResponse, n: number) => void): Promise<Script> {
  const requests: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    requests.push(url);
    answer(url, response, requests.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const resources = createResources({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  onTestFinished(async () => {
    await resources.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { requests, resources };
}

const isWatch = (url: URL): boolean => url.searchParams.get('watch') === 'true';
const list = (response: ServerResponse, version: string, names: string[]) =>
  response.end(
    JSON.stringify({
      kind: 'SampleTriggerList',
      metadata: { resourceVersion: version },
      items: names.map((name) => ({
        ...sample(name),
        metadata: { name, namespace: 'default', resourceVersion: version },
      })),
    }),
  );
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const status = (code: number, reason: string, message = reason) => ({
  kind: 'Status',
  status: 'Failure',
  code,
  reason,
  message,
});
const kinds = ({ requests }: Script) =>
  requests.map((url) => (isWatch(url) ? `watch ${url.searchParams.get('resourceVersion')}` : 'list'));

/** Time that flies: every pause is over at once. */
const impatient = (paused: number[] = []): Clock => ({
  ...systemClock,
  monotonic: () => 0,
  after(ms, callback) {
    if (ms > 60_000) return () => {};
    paused.push(ms);
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
});

describe('a follower of a server on a bad day', () => {
  test('lists again after 410 in the stream and infers what was deleted, in one change', async () => {
    const script = await scripted((url, response, n) => {
      if (!isWatch(url)) list(response, n === 1 ? '10' : '20', n === 1 ? ['a', 'b'] : ['b', 'c']);
      else if (n === 2) response.end(line('ERROR', status(410, 'Expired')));
      else response.flushHeaders();
    });
    const { follower, seen } = start(script.resources, { clock: impatient() });
    await shows(follower, 'default/b=orders default/c=orders');
    expect(seen).toHaveLength(2);
    await eventually('it watches again', () => script.requests.length === 4);
    expect(kinds(script)).toEqual(['list', 'watch 10', 'list', 'watch 20']);
  });

  test('watches on, and does not list, when the server lags behind or is busy', async () => {
    const script = await scripted((url, response, n) => {
      if (!isWatch(url)) list(response, '10', ['a']);
      else if (n === 2)
        response.writeHead(504).end(JSON.stringify(status(504, 'Timeout', 'Too large resource version')));
      else if (n === 3)
        response.writeHead(429, { 'retry-after': '7' }).end(JSON.stringify(status(429, 'TooManyRequests')));
      else response.flushHeaders();
    });
    const paused: number[] = [];
    const { follower } = start(script.resources, { clock: impatient(paused) });
    await eventually('it is connected', () => follower.status().type === 'connected');
    expect(kinds(script)).toEqual(['list', 'watch 10', 'watch 10', 'watch 10']);
    expect(paused).toEqual([125, 7_000]);
  });

  test('watches on at once from the last bookmark when the server ends a watch', async () => {
    const bookmark = { kind: 'SampleTrigger', metadata: { resourceVersion: '42' } };
    const script = await scripted((url, response, n) => {
      if (!isWatch(url)) list(response, '10', []);
      else if (n === 2) response.end(line('BOOKMARK', bookmark));
      else response.flushHeaders();
    });
    const paused: number[] = [];
    start(script.resources, { clock: impatient(paused) });
    await eventually('it watches again', () => script.requests.length === 3);
    expect(kinds(script)).toEqual(['list', 'watch 10', 'watch 42']);
    expect(paused).toEqual([]);
  });

  test('pauses longer and longer when every watch ends at once without a word', async () => {
    const script = await scripted((url, response, n) => {
      if (!isWatch(url)) list(response, '10', []);
      else if (n < 5) response.end();
      else response.flushHeaders();
    });
    const paused: number[] = [];
    start(script.resources, { clock: impatient(paused) });
    await eventually('it watches again and again', () => script.requests.length === 5);
    expect(paused).toEqual([125, 250, 500]);
  });

  test('takes silence for a dead connection', async () => {
    const script = await scripted((url, response) => {
      if (!isWatch(url)) list(response, '10', []);
      else response.flushHeaders();
    });
    const clock = new ManualClock();
    const { follower } = start(script.resources, { clock });
    await eventually('it is connected', () => follower.status().type === 'connected');
    clock.advance(150_000);
    await eventually('it is disconnected', () => follower.status().type === 'disconnected');
    expect(follower.status()).toMatchObject({ message: 'The watch of sampletriggers was silent for 150 s.' });
    await eventually('it pauses', () => clock.pending === 1);
    clock.advance(1_000);
    await eventually('it watches again', () => script.requests.length === 3);
  });

  test('fills in the type that items of built-in lists lack', async () => {
    const script = await scripted((url, response) => {
      if (isWatch(url)) response.flushHeaders();
      else response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: [{ metadata: { name: 'a' } }] }));
    });
    const { follower } = start(script.resources);
    await follower.synced;
    expect(follower.objects.get('/a')).toMatchObject({ apiVersion: 'kubeless.io/v1beta1', kind: 'SampleTrigger' });
  });
});
