import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionResource } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { createResources } from '../../../src/resources/client.ts';
import { configMapType, namespaceType, secretType } from '../../../src/standalone/api/core-types.ts';
import { type Sample, sample, sampleType, startApi, type TestApi } from '../../support/embedded-api.ts';
import { freePort } from '../../support/port.ts';
import { tempDir } from '../../support/temp.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const get = (name: string) => api.resources.get<Sample>(sampleType, 'default', name);
const rejection = (code: string, message: RegExp | string) => ({ code, message: expect.stringMatching(message) });

describe('create', () => {
  test('gives uid, version, time and generation 1, and drops a status', async () => {
    const made = await api.resources.create<Sample>(sampleType, { ...sample('made'), status: { seen: 9 } });
    expect(made).toMatchObject({ ...sample('made'), metadata: { name: 'made', generation: 1 } });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(made.status).toBeUndefined();
    expect(await get('made')).toEqual(made);
  });

  test('the same name again is ALREADY_EXISTS, in another namespace it is another object', async () => {
    await api.resources.create(sampleType, sample('twin'));
    await expect(api.resources.create(sampleType, sample('twin'))).rejects.toMatchObject(
      rejection('ALREADY_EXISTS', 'sampletriggers.kubeless.io "twin" already exists'),
    );
    await api.resources.create(sampleType, sample('twin', { namespace: 'elsewhere' }));
    const namespaces = await api.resources.list(namespaceType);
    expect(namespaces.items.map(({ metadata }) => metadata.name)).toEqual(['default', 'elsewhere']);
  });

  test('an invalid spec is INVALID_MANIFEST in one sentence, and nothing is made', async () => {
    const broken = { ...sample('broken', { namespace: 'unborn' }), spec: { topic: 3, functionSelector: {} } };
    await expect(api.resources.create<KubernetesObject>(sampleType, broken)).rejects.toMatchObject(
      rejection('INVALID_MANIFEST', /^SampleTrigger "broken" is invalid: spec.topic must be a string, found 3$/),
    );
    await expect(api.resources.get(sampleType, 'unborn', 'broken')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(api.resources.get(namespaceType, undefined, 'unborn')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each(['Upper', '-a', 'a..b', 'a_b', 'x'.repeat(254)])('the name %j is refused', async (name) => {
    await expect(api.resources.create(sampleType, sample(name))).rejects.toMatchObject(
      rejection('INVALID_MANIFEST', /metadata\.name must be an RFC 1123 name/),
    );
  });

  test('a bad label is refused by name', async () => {
    const labelled = sample('labelled', { labels: { ok: 'not ok' } });
    await expect(api.resources.create(sampleType, labelled)).rejects.toMatchObject(
      rejection('INVALID_MANIFEST', /metadata\.labels is invalid: the label value "not ok"/),
    );
  });

  test('a dry run checks everything and stores nothing', async () => {
    const dry = await api.resources.create(sampleType, sample('dry'), { dryRun: true });
    expect(dry.metadata.uid).toBeDefined();
    await expect(get('dry')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(api.resources.create(sampleType, sample('-'), { dryRun: true })).rejects.toMatchObject({
      code: 'INVALID_MANIFEST',
    });
  });
});

describe('replace', () => {
  test('is a compare-and-swap by version', async () => {
    const first = await api.resources.create<Sample>(sampleType, sample('cas'));
    const second = await api.resources.replace<Sample>(sampleType, {
      ...first,
      spec: { topic: 'b', functionSelector: {} },
    });
    expect(second.metadata.generation).toBe(2);
    await expect(api.resources.replace(sampleType, first)).rejects.toMatchObject(
      rejection('CONFLICT', 'the object has been modified'),
    );
    expect((await get('cas')).spec?.topic).toBe('b');
  });

  test('without a version, or of an object that was made anew, is refused', async () => {
    const first = await api.resources.create<Sample>(sampleType, sample('anew'));
    await expect(api.resources.replace(sampleType, sample('anew'))).rejects.toMatchObject(
      rejection('INVALID_MANIFEST', /metadata\.resourceVersion must be given/),
    );
    await api.resources.delete(sampleType, 'default', 'anew');
    const again = await api.resources.create<Sample>(sampleType, sample('anew'));
    const { resourceVersion } = again.metadata;
    const mixed = { ...first, metadata: { ...first.metadata, ...(resourceVersion && { resourceVersion }) } };
    await expect(api.resources.replace(sampleType, mixed)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('that changes nothing keeps the version', async () => {
    const first = await api.resources.create<Sample>(sampleType, sample('same'));
    expect(await api.resources.replace(sampleType, first)).toEqual(first);
  });

  test('of labels alone keeps the generation', async () => {
    const first = await api.resources.create<Sample>(sampleType, sample('labels'));
    const labelled = { ...first, metadata: { ...first.metadata, labels: { a: 'b' } } };
    expect((await api.resources.replace(sampleType, labelled)).metadata.generation).toBe(1);
  });
});

describe('status', () => {
  test('and spec are written apart', async () => {
    const first = await api.resources.create<Sample>(sampleType, sample('apart'));
    const both: Sample = { ...first, spec: { topic: 'other', functionSelector: {} }, status: { seen: 1 } };
    const withStatus = await api.resources.replaceStatus<Sample>(sampleType, both);
    expect(withStatus).toMatchObject({ spec: { topic: 'orders' }, status: { seen: 1 }, metadata: { generation: 1 } });
    const { status: _, ...plain } = withStatus;
    const withSpec = await api.resources.replace<Sample>(sampleType, {
      ...plain,
      spec: { topic: 'c', functionSelector: {} },
    });
    expect(withSpec).toMatchObject({ spec: { topic: 'c' }, status: { seen: 1 }, metadata: { generation: 2 } });
  });

  test('is patched apart too', async () => {
    await api.resources.create(sampleType, sample('patched'));
    const patch = { spec: { topic: 'x' }, status: { seen: 5 } };
    await api.resources.patch(sampleType, 'default', 'patched', patch, { subresource: 'status' });
    expect(await get('patched')).toMatchObject({ spec: { topic: 'orders' }, status: { seen: 5 } });
    await api.resources.patch(sampleType, 'default', 'patched', { ...patch, status: null });
    expect(await get('patched')).toMatchObject({ spec: { topic: 'x' }, status: { seen: 5 } });
  });

  test('updateStatus loses no count among many writers', async () => {
    await api.resources.create(sampleType, sample('counter'));
    const add = () =>
      api.resources.updateStatus<Sample>(sampleType, 'default', 'counter', (object) => ({
        ...object,
        status: { seen: (object.status?.seen ?? 0) + 1 },
      }));
    await Promise.all(Array.from({ length: 5 }, add));
    expect((await get('counter')).status?.seen).toBe(5);
    const left = await api.resources.updateStatus<Sample>(sampleType, 'default', 'counter', () => undefined);
    expect(left).toEqual(await get('counter'));
  });
});

describe('finalizers', () => {
  test('hold an object until the last one is gone', async () => {
    const held = sample('held');
    await api.resources.create(sampleType, {
      ...held,
      metadata: { ...held.metadata, finalizers: ['a.io/x', 'a.io/y'] },
    });
    await api.resources.delete(sampleType, 'default', 'held');
    const dying = await get('held');
    expect(dying.metadata.deletionTimestamp).toBeDefined();
    await expect(
      api.resources.patch(sampleType, 'default', 'held', { metadata: { finalizers: ['a.io/x', 'a.io/z'] } }),
    ).rejects.toMatchObject(rejection('INVALID_MANIFEST', /finalizers cannot get "a.io\/z"/));
    await api.resources.patch(sampleType, 'default', 'held', { metadata: { finalizers: ['a.io/x'] } });
    await api.resources.patch(sampleType, 'default', 'held', { metadata: { finalizers: null } });
    await expect(get('held')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('list', () => {
  test('selects by label and field, of one namespace or all, in order', async () => {
    await using own = await startApi();
    const make = (name: string, namespace: string, labels?: Record<string, string>) =>
      own.resources.create(sampleType, sample(name, { namespace, ...(labels && { labels }) }));
    await make('b', 'two', { app: 'web' });
    await make('a', 'two');
    await make('b', 'one', { app: 'db' });
    const names = async (options: object) =>
      (await own.resources.list(sampleType, options)).items.map(
        ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
      );
    expect(await names({})).toEqual(['one/b', 'two/a', 'two/b']);
    expect(await names({ namespace: 'two' })).toEqual(['two/a', 'two/b']);
    expect(await names({ labelSelector: 'app in (web,db)' })).toEqual(['one/b', 'two/b']);
    expect(await names({ labelSelector: 'app!=web', namespace: 'two' })).toEqual(['two/a']);
    expect(await names({ fieldSelector: 'metadata.name=b,metadata.namespace!=one' })).toEqual(['two/b']);
    await expect(names({ fieldSelector: 'spec.topic=x' })).rejects.toMatchObject(
      rejection('INVALID_ARGUMENT', /allowed are metadata\.name and metadata\.namespace/),
    );
    await expect(names({ labelSelector: 'a b' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('shows on all pages how things stood at the first one', async () => {
    await using own = await startApi();
    for (const name of ['a', 'b', 'c', 'd']) await own.resources.create(sampleType, sample(name));
    const first = await own.resources.list(sampleType, { limit: 2 });
    await own.resources.delete(sampleType, 'default', 'a');
    await own.resources.delete(sampleType, 'default', 'c');
    await own.resources.create(sampleType, sample('bb'));
    await own.resources.create(sampleType, sample('z'));
    const second = await own.resources.list(sampleType, { limit: 2, continue: first.continue });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(second).toMatchObject({ continue: undefined, resourceVersion: first.resourceVersion });
  });

  test('a page that goes on from a forgotten version is EXPIRED', async () => {
    await using own = await startApi({ history: { changes: 2, bytes: 1e6 } });
    for (const name of ['a', 'b']) await own.resources.create(sampleType, sample(name));
    const first = await own.resources.list(sampleType, { limit: 1 });
    for (const name of ['c', 'd', 'e']) await own.resources.create(sampleType, sample(name));
    await expect(own.resources.list(sampleType, { limit: 1, continue: first.continue })).rejects.toMatchObject({
      code: 'EXPIRED',
    });
  });
});

describe('core objects', () => {
  test('a secret takes stringData and keeps it encoded', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'default' },
      stringData: { a: 'b' },
    };
    const made = await api.resources.create<KubernetesObject>(secretType, secret);
    expect(made).toMatchObject({ type: 'Opaque', data: { a: 'Yg==' } });
    expect(made).not.toHaveProperty('stringData');
  });

  test('the refusal of a secret does not show its value', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 't', namespace: 'default' },
      data: { a: '*hunter2*' },
    };
    const refused = await api.resources
      .create<KubernetesObject>(secretType, secret)
      .catch((error: Error) => error.message);
    expect(refused).toBe('Secret "t" is invalid: data.a must be text in base64');
  });

  test.each([
    ['data', { a: 1 }, 'data.a must be text in base64'],
    ['stringData', { a: 1 }, 'stringData.a must be text'],
    ['stringData', 'hunter2', 'stringData must map names to text'],
  ])('a secret whose %s is %j is refused, and not stored without it', async (field, value, sentence) => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'u', namespace: 'default' }, [field]: value };
    await expect(api.resources.create<KubernetesObject>(secretType, secret)).rejects.toMatchObject({
      message: `Secret "u" is invalid: ${sentence}`,
    });
  });

  test('one object of a namespaced type is asked for in its namespace', async () => {
    await expect(api.resources.get(secretType, undefined, 's')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('a config map may be replaced without a version', async () => {
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'm', namespace: 'default' },
      data: { a: '1' },
    };
    await api.resources.create<KubernetesObject>(configMapType, map);
    const replaced = await api.resources.replace<KubernetesObject>(configMapType, { ...map, data: { a: '2' } });
    expect(replaced.data).toEqual({ a: '2' });
  });

  test('a namespace goes only when it is empty, and default never', async () => {
    await api.resources.create(sampleType, sample('x', { namespace: 'full' }));
    const remove = (name: string) => api.resources.delete(namespaceType, undefined, name);
    await expect(remove('full')).rejects.toMatchObject(rejection('CONFLICT', /still holds objects/));
    await expect(remove('default')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await api.resources.delete(sampleType, 'full', 'x');
    await remove('full');
  });
});

test('objects and the sequence of versions survive a restart', async () => {
  await using dir = await tempDir('objects');
  const path = `${dir.path}/objects.db`;
  const first = await startApi({ path });
  const made = await first.resources.create<Sample>(sampleType, sample('kept'));
  await first.resources.create(sampleType, sample('gone'));
  await first.resources.delete(sampleType, 'default', 'gone');
  const { version } = first.store;
  await first.close();
  await using second = await startApi({ path });
  expect(await second.resources.get(sampleType, 'default', 'kept')).toEqual(made);
  const next = await second.resources.create(sampleType, sample('next'));
  expect(Number(next.metadata.resourceVersion)).toBe(version + 1);
});

describe('a server that cannot be reached', () => {
  test('is GATEWAY_UNREACHABLE with its URL, without the password in it', async () => {
    const port = await freePort();
    const resources = createResources({ url: `http://user:hunter2@127.0.0.1:${port}/` });
    await expect(resources.list(functionResource)).rejects.toMatchObject({
      code: 'GATEWAY_UNREACHABLE',
      message: expect.stringMatching(new RegExp(`^Cannot reach http://127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`)),
    });
    await resources.close();
  });

  test('whose URL is none is refused at once', () => {
    expect(() => createResources({ url: 'localhost:8080' })).toThrow(/must be an http:\/\/ or https:\/\/ URL/);
  });
});
