import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sample, startApi, type TestApi } from '../../support/embedded-api.ts';

const SAMPLES = '/apis/kubeless.io/v1beta1/namespaces/default/sampletriggers';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

let api: TestApi;
const agent = new Agent();
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => {
  await agent.destroy();
  await api.close();
});

interface Sent {
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly accept?: string;
}

async function send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, sent: Sent = {}) {
  const answer = await request(`${api.url}${path}`, {
    method,
    dispatcher: agent,
    body: sent.body ?? null,
    headers: { ...(sent.type && { 'content-type': sent.type }), ...(sent.accept && { accept: sent.accept }) },
  });
  return { status: answer.statusCode, body: await answer.body.json() };
}
const make = (name: string, labels?: Record<string, string>) =>
  send('POST', SAMPLES, { body: JSON.stringify(sample(name, labels && { labels })), type: 'application/json' });
const failure = (code: number, reason: string) => ({
  status: code,
  body: { kind: 'Status', status: 'Failure', reason, code },
});

describe('refusals are Status documents', () => {
  test.each([
    ['/apis/nobody.io/v1'],
    ['/apis/kubeless.io/v1beta1/nothings'],
    ['/apis/kubeless.io/v1/functions'],
    [`${SAMPLES}/a/b/c`],
    [`${SAMPLES}/a/scale`],
    ['/api/v1/namespaces/default/configmaps/a/status'],
    ['/api/v2'],
    ['/openapi/v4'],
  ])('404 at %s', async (path) => {
    expect(await send('GET', path)).toMatchObject(failure(404, 'NotFound'));
  });

  test('405 for a method that a path does not have', async () => {
    expect(await send('PUT', SAMPLES)).toMatchObject(failure(405, 'MethodNotAllowed'));
    expect(await send('DELETE', '/version')).toMatchObject(failure(405, 'MethodNotAllowed'));
    expect(await send('POST', '/apis/kubeless.io/v1beta1/sampletriggers', { body: '{}' })).toMatchObject(
      failure(405, 'MethodNotAllowed'),
    );
  });

  test.each([
    ['not JSON', '{', 'application/json', 400, 'BadRequest'],
    ['no body', '', 'application/json', 400, 'BadRequest'],
    ['not an object', '3', 'application/json', 400, 'BadRequest'],
    ['protobuf', 'k8s', 'application/vnd.kubernetes.protobuf', 415, 'UnsupportedMediaType'],
    ['a strange media type', 'x', 'x', 415, 'UnsupportedMediaType'],
    ['another kind', JSON.stringify({ ...sample('k'), kind: 'Function' }), 'application/json', 400, 'BadRequest'],
    ['another namespace', JSON.stringify(sample('k', { namespace: 'b' })), 'application/json', 400, 'BadRequest'],
    ['no name', JSON.stringify({ metadata: {}, spec: {} }), 'application/json', 400, 'BadRequest'],
    [
      'labels that are no text',
      JSON.stringify({ metadata: { name: 'k', labels: { a: 1 } } }),
      'application/json',
      400,
      'BadRequest',
    ],
    ['more than 3 MiB', 'x'.repeat(3 * 1024 * 1024 + 1), 'application/json', 413, 'RequestEntityTooLarge'],
  ])('of a POST with %s', async (_what, body, type, code, reason) => {
    expect(await send('POST', SAMPLES, { body, type })).toMatchObject(failure(code, reason));
  });

  test('of strange parameters and forms', async () => {
    expect(await send('GET', `${SAMPLES}?limit=x`)).toMatchObject(failure(400, 'BadRequest'));
    expect(await send('GET', `${SAMPLES}?watch=maybe`)).toMatchObject(failure(400, 'BadRequest'));
    expect(await send('GET', `${SAMPLES}?continue=x`)).toMatchObject(failure(400, 'BadRequest'));
    expect(await send('POST', `${SAMPLES}?dryRun=Some`, { body: '{}' })).toMatchObject(failure(400, 'BadRequest'));
    expect(await send('GET', SAMPLES, { accept: 'text/html' })).toMatchObject(failure(406, 'NotAcceptable'));
    expect(await send('GET', `${SAMPLES}?resourceVersion=999999999999999`)).toMatchObject(failure(504, 'Timeout'));
  });

  test.each(['application/json', 'application/yaml'])('400 for a body that is nested too deeply: %s', async (type) => {
    const deep = (levels: number) => `{"metadata":{"name":"deep"},"data":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    const path = '/api/v1/namespaces/default/configmaps';
    for (const levels of [250, 100_000]) {
      const refused = await send('POST', path, { body: deep(levels), type });
      expect(refused).toMatchObject(failure(400, 'BadRequest'));
    }
    const { body } = await send('POST', path, { body: deep(250), type });
    expect(body).toMatchObject({ message: 'the body must not be nested more than 200 levels deep' });
  });

  test('400 where patches, one upon another, nest an object too deeply', async () => {
    await send('POST', '/api/v1/namespaces/default/configmaps', { body: '{"metadata":{"name":"deeper"}}' });
    const step = `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`;
    const patch = (path: string) =>
      send('PATCH', '/api/v1/namespaces/default/configmaps/deeper', {
        body: `[{"op":"add","path":"${path}","value":${step}}]`,
        type: 'application/json-patch+json',
      });
    expect((await patch('/metadata/a')).status).toBe(200);
    expect((await patch(`/metadata${'/a'.repeat(90)}`)).status).toBe(200);
    expect(await patch(`/metadata${'/a'.repeat(180)}`)).toMatchObject(failure(400, 'BadRequest'));
  });

  test('422 carries every cause', async () => {
    const body = JSON.stringify({ ...sample('bad'), spec: { topic: '', size: 'x' } });
    expect((await send('POST', SAMPLES, { body })).body).toMatchObject({
      details: {
        name: 'bad',
        kind: 'SampleTrigger',
        causes: [
          { field: 'spec.topic' },
          { field: 'spec.functionSelector', message: 'is missing' },
          { field: 'spec.size' },
        ],
      },
    });
  });
});

describe('objects', () => {
  test('are taken as YAML, and with a generated name', async () => {
    const body = 'metadata: {generateName: gen-}\nspec: {topic: t, functionSelector: {}}\n';
    const { status, body: made } = await send('POST', SAMPLES, { body, type: 'application/yaml' });
    expect(status).toBe(201);
    expect(made).toMatchObject({
      kind: 'SampleTrigger',
      metadata: { name: expect.stringMatching(/^gen-[a-z0-9]{5}$/) },
    });
  });

  test('are patched by merge patch and by JSON patch, a custom resource by nothing else', async () => {
    await make('p');
    const patch = (type: string, patch: unknown) =>
      send('PATCH', `${SAMPLES}/p`, { body: JSON.stringify(patch), type });
    expect(await patch('application/merge-patch+json', { spec: { size: 1 } })).toMatchObject({
      body: { spec: { size: 1 } },
    });
    const remove = [
      { op: 'test', path: '/spec/size', value: 1 },
      { op: 'remove', path: '/spec/size' },
    ];
    expect((await patch('application/json-patch+json', remove)).body).toMatchObject({ spec: { topic: 'orders' } });
    expect(await patch('application/json-patch+json', remove)).toMatchObject(failure(422, 'Invalid'));
    expect(await patch('application/strategic-merge-patch+json', {})).toMatchObject(
      failure(415, 'UnsupportedMediaType'),
    );
    expect(await patch('application/apply-patch+yaml', {})).toMatchObject(failure(415, 'UnsupportedMediaType'));
    expect(await patch('application/merge-patch+json', { metadata: { name: 'q' } })).toMatchObject(
      failure(400, 'BadRequest'),
    );
    expect(await patch('application/merge-patch+json', { metadata: { resourceVersion: '1' } })).toMatchObject(
      failure(409, 'Conflict'),
    );
    expect(await patch('application/merge-patch+json', { spec: { topic: null } })).toMatchObject(
      failure(422, 'Invalid'),
    );
  });

  test('a member called __proto__ is only a member', async () => {
    await send('POST', '/api/v1/namespaces/default/configmaps', { body: '{"metadata":{"name":"proto"}}' });
    const body = '{"__proto__":{"polluted":"yes"},"data":{"__proto__":"x"}}';
    await send('PATCH', '/api/v1/namespaces/default/configmaps/proto', { body, type: 'application/merge-patch+json' });
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  test('are deleted with a Status that names the uid, under preconditions', async () => {
    const { body: made } = await make('d');
    const wrong = JSON.stringify({ preconditions: { uid: 'another' } });
    expect(await send('DELETE', `${SAMPLES}/d`, { body: wrong })).toMatchObject(failure(409, 'Conflict'));
    expect(await send('DELETE', `${SAMPLES}/d`, { body: '{"dryRun":["All"]}' })).toMatchObject({ status: 200 });
    const { uid } = (made as { metadata: { uid: string } }).metadata;
    expect(await send('DELETE', `${SAMPLES}/d`)).toMatchObject({
      body: { status: 'Success', details: { name: 'd', uid } },
    });
    expect(await send('DELETE', `${SAMPLES}/d`)).toMatchObject(failure(404, 'NotFound'));
  });

  test('are deleted as a collection, by selector', async () => {
    for (const name of ['c1', 'c2']) await make(name, { batch: 'c' });
    const { body } = await send('DELETE', `${SAMPLES}?labelSelector=batch%3Dc`);
    expect(body).toMatchObject({
      kind: 'SampleTriggerList',
      items: [{ metadata: { name: 'c1' } }, { metadata: { name: 'c2' } }],
    });
    expect(await send('GET', `${SAMPLES}/c1`)).toMatchObject(failure(404, 'NotFound'));
  });
});

describe('discovery', () => {
  test('leads from /apis to the types and their status', async () => {
    expect((await send('GET', '/api')).body).toMatchObject({ versions: ['v1'] });
    expect((await send('GET', '/apis/')).body).toMatchObject({
      groups: [{ name: 'kubeless.io', preferredVersion: { groupVersion: 'kubeless.io/v1beta1' } }],
    });
    expect((await send('GET', '/apis/kubeless.io/v1beta1')).body).toMatchObject({
      groupVersion: 'kubeless.io/v1beta1',
      resources: [
        { name: 'functions', shortNames: ['fn'] },
        { name: 'functions/status' },
        { name: 'sampletriggers', namespaced: true },
        { name: 'sampletriggers/status' },
      ],
    });
    expect((await send('GET', '/openapi/v3')).body).toMatchObject({
      paths: { 'api/v1': {}, 'apis/kubeless.io/v1beta1': {} },
    });
  });
});

test('a table has the columns of the type, with the age counted by the server', async () => {
  await make('table');
  const query = '?fieldSelector=metadata.name%3Dtable';
  expect((await send('GET', `${SAMPLES}${query}`, { accept: TABLE })).body).toMatchObject({
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    columnDefinitions: [{ name: 'Name' }, { name: 'Topic' }, { name: 'Ready' }, { name: 'Age' }],
    rows: [
      {
        cells: ['table', 'orders', '', expect.stringMatching(/^\d+s$/)],
        object: { kind: 'PartialObjectMetadata', metadata: { name: 'table', namespace: 'default' } },
      },
    ],
  });
});
