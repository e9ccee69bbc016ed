import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type FunctionObject, functionResource } from '../../../src/domain/function.ts';
import { createResources } from '../../../src/resources/client.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { embeddedApi } from '../../../src/standalone/api/embedded-api.ts';
import { createObjectStore } from '../../../src/standalone/api/object-store.ts';
import { type Output, openOutput } from '../../../src/standalone/functions/output.ts';
import { workloadRoutes } from '../../../src/standalone/workloads/routes.ts';
import { podType } from '../../../src/standalone/workloads/types.ts';
import { workloadViews } from '../../../src/standalone/workloads/views.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const exec = promisify(execFile);
// A cold cache means that kubectl has to be built first.
const BUILDING_MS = 600_000;
const MAX_BODY = 1_000;

let kubectl: string;
let home: TempDir;
let url: string;
let resources: Resources;
let clock: ManualClock;
let close: () => Promise<void>;
const outputs = new Map<string, Output>();

beforeAll(async () => {
  kubectl = await kubectlBinary();
  home = await tempDir('workloads');
  const db = new DatabaseSync(':memory:');
  const store = createObjectStore(db);
  clock = new ManualClock();
  const app = fastify();
  const output = (_: string, name: string) => outputs.get(name);
  const routes = workloadRoutes({ store, clock, output, maxBodyBytes: MAX_BODY });
  await app.register(embeddedApi({ store, types: [functionResource], views: workloadViews, routes }));
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  resources = createResources({ url });
  close = async () => {
    await app.close();
    await resources.close();
    db.close();
  };
}, BUILDING_MS);
afterAll(async () => {
  await close?.();
  await home?.remove();
});

let count = 0;
let name: string;
beforeEach(() => {
  name = `w${++count}`;
});

async function create(spec: FunctionObject['spec'], status: FunctionObject['status'] = {}): Promise<void> {
  const object = await resources.create<FunctionObject>(functionResource, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: spec ?? {},
  });
  await resources.replaceStatus(functionResource, { ...object, status });
}

const withCode = { runtime: 'nodejs24', handler: 'a.b', function: 'exports.b = 1' };

/** A function's process, on a port of its own. */
async function process(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const proxy = (path = '/', port = ':http-function-port') =>
  `${url}/api/v1/namespaces/default/services/${name}${port}/proxy${path}`;

async function ask(address: string, init: RequestInit = {}) {
  const headers = { connection: 'close', ...init.headers };
  const answer = await fetch(address, { ...init, headers });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const refusal = async (address: string, init?: RequestInit) => {
  const { status, text } = await ask(address, init);
  return [status, JSON.parse(text).message];
};

async function run(...args: string[]): Promise<string> {
  const env = { PATH: globalThis.process.env.PATH, HOME: home.path };
  return (await exec(kubectl, ['--server', url, ...args], { env })).stdout;
}

describe('what a cluster would have made of a Function', () => {
  test('is shown by kubectl, with the log of its process', async () => {
    await create(withCode, { endpoint: 'http://127.0.0.1:1' });
    await using output = withOutput();
    output.append('first');
    output.append('second');
    expect(await run('get', 'pods', '-l', `function=${name}`, '--no-headers')).toMatch(
      new RegExp(`^${name}-0 +Running +True +\\d+s\\n$`),
    );
    expect(await run('get', 'deployment', name, '-o', 'jsonpath={.status.readyReplicas}')).toBe('1');
    expect(await run('get', 'service', name, '-o', 'jsonpath={.spec.ports[0].port}')).toBe('8080');
    expect(await run('logs', `${name}-0`)).toBe('first\nsecond\n');
    expect(await run('logs', '-l', `function=${name}`, '--tail', '1')).toBe('second\n');
    expect((await run('api-resources', '-o', 'name')).split('\n')).toEqual(
      expect.arrayContaining(['pods', 'services', 'deployments.apps']),
    );
  });

  test('cannot be written', async () => {
    await create(withCode);
    await expect(resources.delete(podType, 'default', `${name}-0`)).rejects.toThrow('the method DELETE is not allowed');
    await expect(resources.patch(podType, 'default', `${name}-0`, {})).rejects.toThrow('not allowed');
  });

  test('is watched: it changes with the Function and goes with its code', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const labelSelector = `app=${name}`;
    const watch = await resources.watch(podType, { namespace: 'default', labelSelector, signal: stop.signal });
    const watching = (async () => {
      for await (const event of watch) {
        if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${JSON.stringify(Object(event.object.status).phase)}`);
      }
    })().catch(() => {});
    await create(withCode, { endpoint: 'http://127.0.0.1:1' });
    await resources.patch(functionResource, 'default', name, { spec: { endpoint: 'http://127.0.0.1:2' } });
    await eventually('three events', () => seen.length === 3);
    stop.abort();
    await watching;
    expect(seen).toEqual(['ADDED "Pending"', 'MODIFIED "Running"', 'DELETED "Running"']);
  });
});

describe('the proxy of a Service', () => {
  test('passes the request on, without what is the gateway’s own', async () => {
    let got: { line: string; headers: IncomingMessage['headers']; body: string } | undefined;
    const endpoint = await process(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      got = { line: `${request.method} ${request.url}`, headers: request.headers, body };
      response.writeHead(202, { 'content-type': 'text/html', 'set-cookie': 'a=b', own: 'x' }).end('<b>hi</b>');
    });
    await create(withCode, { endpoint });
    const headers = { authorization: 'Bearer hunter2', cookie: 'c=d', 'event-id': 'abc', 'content-type': 'text/x' };
    const answer = await ask(proxy('/a%2Fb/c?x=1&y'), { method: 'PUT', body: 'data', headers });
    expect(got).toMatchObject({
      line: 'PUT /a%2Fb/c?x=1&y',
      body: 'data',
      headers: { 'event-id': 'abc', 'content-type': 'text/x' },
    });
    expect(got?.headers).not.toHaveProperty('authorization');
    expect(got?.headers).not.toHaveProperty('cookie');
    expect(got?.headers['content-length']).toBe('4');
    expect(answer).toMatchObject({ status: 202, text: '<b>hi</b>' });
    expect(Object.fromEntries(answer.headers)).toMatchObject({ own: 'x', 'content-security-policy': 'sandbox' });
    expect(answer.headers.has('set-cookie')).toBe(false);
  });

  test('takes the number of the port, and none; and names what there is not', async () => {
    const endpoint = await process((_, response) => response.end('ok'));
    await create({ ...withCode, service: { ports: [{ port: 9000 }] } }, { endpoint });
    for (const port of ['', ':', ':9000', ':http-function-port']) {
      expect(await ask(proxy('/', port))).toMatchObject({ status: 200, text: 'ok' });
    }
    expect(await refusal(proxy('/', ':8080'))).toEqual([503, `no service port "8080" found for service "${name}"`]);
    name = 'nobody';
    expect(await refusal(proxy())).toEqual([404, 'services "nobody" not found']);
  });

  test('says that nothing answers: no endpoint, a closed port, a function that hangs', async () => {
    await create(withCode);
    expect(await refusal(proxy())).toEqual([503, `no endpoints available for service "${name}"`]);
    name = `${name}-closed`;
    await create(withCode, { endpoint: 'http://127.0.0.1:1' });
    expect(await refusal(proxy())).toEqual([503, expect.stringContaining('error trying to reach service')]);
    name = `${name}-hangs`;
    let isAsked = false;
    const endpoint = await process(() => {
      isAsked = true;
    });
    await create({ ...withCode, timeout: '2' }, { endpoint });
    const answer = refusal(proxy());
    await eventually('it is asked', () => isAsked);
    clock.advance(7_000);
    expect(await answer).toEqual([503, expect.stringContaining('it did not answer within 7 s')]);
  });

  test('refuses pages of other origins, also for a GET, and bodies that are too large', async () => {
    let isAsked = false;
    const endpoint = await process((_, response) => {
      isAsked = true;
      response.end();
    });
    await create(withCode, { endpoint });
    for (const site of ['cross-site', 'same-site']) {
      expect(await refusal(proxy(), { headers: { 'sec-fetch-site': site } })).toEqual([403, expect.anything()]);
    }
    expect((await refusal(proxy(), { method: 'POST', body: 'x'.repeat(MAX_BODY + 1) }))[0]).toBe(413);
    expect(isAsked).toBe(false);
  });

  test('ends the call when its caller goes', async () => {
    let isGone = false;
    let isAsked = false;
    const endpoint = await process((_, response) => {
      isAsked = true;
      response.once('close', () => {
        isGone = true;
      });
    });
    await create(withCode, { endpoint });
    const caller = new AbortController();
    const asking = ask(proxy(), { signal: caller.signal }).catch(() => {});
    await eventually('it is asked', () => isAsked);
    caller.abort();
    await asking;
    await eventually('it is gone', () => isGone);
  });
});

describe('the log of a Pod', () => {
  const log = (query = '') => `${url}/api/v1/namespaces/default/pods/${name}-0/log${query}`;

  test('is followed until the function is gone', async () => {
    const output = withOutput();
    output.append('before');
    const answer = await fetch(log('?follow=true'), { headers: { connection: 'close' } });
    output.append('after');
    await output.close();
    expect(await answer.text()).toBe('before\nafter\n');
  });

  test('is cut off for a reader that does not read, and holds nobody up', async () => {
    const output = withOutput();
    const answer = await fetch(log('?follow=true'), { headers: { connection: 'close' } });
    for (let i = 0; i < 20_000; i++) output.append('x'.repeat(1_000));
    await expect(answer.text()).rejects.toThrow();
    await output.close();
  });

  test('has a sentence for what is not there', async () => {
    expect(await refusal(log())).toEqual([404, `pods "${name}-0" not found`]);
    withOutput();
    expect((await refusal(log('?tailLines=x')))[0]).toBe(400);
  });
});

function withOutput(): Output & AsyncDisposable {
  const output = openOutput(`${home.path}/${name}.log`);
  outputs.set(name, output);
  onTestFinished(() => output.close());
  return { ...output, [Symbol.asyncDispose]: output.close };
}
