import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { type ResourceApi, startResourceApi } from '../../../test/support/resource-api.ts';
import { type TempDir, tempDir } from '../../../test/support/temp.ts';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { type FunctionObject, type FunctionSpec, functionResource } from '../../domain/function.ts';
import type { Logger } from '../../domain/kind.ts';
import { type FunctionRunner, startFunctionRunner } from './runner.ts';

// Each starts processes.
vi.setConfig({ testTimeout: 60_000 });

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const environment = { PATH: process.env.PATH ?? '' };
const START = { within: 15_000 };

let api: ResourceApi;
let dir: TempDir;
let count = 0;

beforeAll(async () => {
  api = await startResourceApi([functionResource]);
  dir = await tempDir('functions');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await dir.remove();
});

let name: string;
beforeEach(() => {
  name = `function-${++count}`;
});

async function startRunner(
  options: { environment?: Record<string, string>; clock?: Clock; log?: Logger } = {},
): Promise<FunctionRunner> {
  const runner = await startFunctionRunner({
    resources: api.resources,
    dataDir: relative(process.cwd(), dir.path),
    environment,
    clock: systemClock,
    log: silent,
    maxBodyBytes: 1_000,
    ...options,
  });
  onTestFinished(async () => {
    await runner.close(systemClock.monotonic() + 5_000);
    await api.resources.delete(functionResource, 'default', name).catch(() => {});
  });
  return runner;
}

const create = (spec: FunctionSpec, status: FunctionObject['status'] = {}) =>
  api.resources
    .create<FunctionObject>(functionResource, {
      apiVersion: 'kubeless.io/v1beta1',
      kind: 'Function',
      metadata: { name, namespace: 'default' },
      spec,
    })
    .then((object) => api.resources.replaceStatus(functionResource, { ...object, status }));

const node = (code: string, more: FunctionSpec = {}) => ({
  runtime: 'nodejs24',
  handler: 'f.f',
  function: code,
  ...more,
});
const python = (code: string, more: FunctionSpec = {}) => ({
  runtime: 'python3',
  handler: 'f.f',
  function: code,
  ...more,
});

const stored = () => api.resources.get<FunctionObject>(functionResource, 'default', name);

async function ready(): Promise<{ status?: string; reason?: string; message?: string; endpoint?: string }> {
  const { status } = await stored();
  const condition = status?.conditions?.find(({ type }) => type === 'Ready');
  return { ...condition, ...(status?.endpoint !== undefined && { endpoint: status.endpoint }) };
}

const becomes = (status: string, reason?: string) =>
  eventually(
    `Ready is ${status} ${reason ?? ''}`,
    async () => {
      const found = await ready();
      return found.status === status && (reason === undefined || found.reason === reason) && found;
    },
    START,
  );

async function endpoint(): Promise<string> {
  const { endpoint } = await becomes('True');
  return endpoint ?? '';
}

async function call(url: string, data = '{}', headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    body: data,
    headers: { 'content-type': 'application/json', connection: 'close', ...headers },
  });
  return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
}

const statusFor = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    }).once('error', reject);
  });

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const languages = [
  {
    language: 'node',
    echo: node(`
      console.log('loaded');
      exports.f = async (event, context) => ({
        data: event.data, id: event['event-id'], type: event['event-type'], time: event['event-time'],
        namespace: event['event-namespace'], topic: event.extensions.request.headers['event-topic'], context });`),
    failing: node(`exports.f = async () => { throw new TypeError('secret 42'); };`),
    blocking: node(`exports.f = ({ data }) => { if (data.block) for (;;) {} return String(process.pid); };`, {
      timeout: '1s',
    }),
    pid: node('export const f = () => String(process.pid);'),
    broken: node('exports.f = (;'),
    text: node('exports.f = ({ data }) => data;'),
  },
  {
    language: 'python',
    echo: python(`
print("loaded")
def f(event, context):
    return {"data": event["data"], "id": event["event-id"], "type": event["event-type"], "time": event["event-time"],
            "namespace": event["event-namespace"], "topic": event["extensions"]["request"].headers["event-topic"],
            "context": context}`),
    failing: python('def f(event, context):\n    raise TypeError("secret 42")'),
    blocking: python(
      'import os\ndef f(event, context):\n    while event["data"].get("block"): pass\n    return str(os.getpid())',
      { timeout: '1s' },
    ),
    pid: python('import os\ndef f(event, context):\n    return str(os.getpid())'),
    broken: python('def f('),
    text: python('def f(event, context):\n    return event["data"]'),
  },
];

describe.each(languages)('a $language function', ({ echo, failing, blocking, pid, broken, text }) => {
  test('gets event and context, and what it prints is kept', async () => {
    const runner = await startRunner();
    await create({ ...echo, timeout: '7' });
    const answer = await call(await endpoint(), '{"order":1}', {
      'event-id': 'abc',
      'event-type': 'application/json',
      'event-time': 'now',
      'event-namespace': 'kafkatriggers.kubeless.io',
      'event-topic': 'orders',
    });
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    expect(JSON.parse(answer.body)).toEqual({
      data: { order: 1 },
      id: 'abc',
      type: 'application/json',
      time: 'now',
      namespace: 'kafkatriggers.kubeless.io',
      topic: 'orders',
      context: { 'function-name': name, timeout: 7, runtime: echo.runtime, 'memory-limit': '0' },
    });
    expect(runner.output('default', name)?.lines()).toEqual(['loaded']);
  });

  test('answers bad calls by itself', async () => {
    await startRunner();
    await create(text);
    const url = await endpoint();
    expect(await call(url, '"é"')).toMatchObject({ status: 200, body: 'é' });
    expect(await call(url, '{"a"', { 'content-type': 'text/plain' })).toMatchObject({ status: 200, body: '{"a"' });
    expect(await call(url, '{"a"')).toMatchObject({ status: 400 });
    expect(await call(url, JSON.stringify('x'.repeat(2_000)))).toMatchObject({ status: 413 });
    expect(await statusFor(url, { host: 'rebound.example' })).toBe(403);
    expect(await (await fetch(`${url}/healthz`, { headers: { connection: 'close' } })).text()).toBe('OK');
  });

  test('counts its calls by method, failures apart', async () => {
    await startRunner();
    await create(failing);
    const url = await endpoint();
    await call(url);
    await fetch(url, { headers: { connection: 'close' } });
    await call(url);
    const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
    expect(text).toContain('function_calls_total{method="POST"} 2\n');
    expect(text).toContain('function_failures_total{method="POST"} 2\n');
    expect(text).toContain('function_calls_total{method="GET"} 1\n');
    expect(text).toMatch(/function_duration_seconds_sum\{method="POST"\} \d/);
    expect(text).toContain('function_duration_seconds_bucket{method="POST",le="+Inf"} 2\n');
  });

  test('that throws answers 500 and says why only in its output', async () => {
    const runner = await startRunner();
    await create(failing);
    expect(await call(await endpoint())).toMatchObject({ status: 500, body: 'Internal Server Error' });
    await eventually('the reason is in the output', () =>
      runner.output('default', name)?.lines().join().includes('secret 42'),
    );
  });

  test('that blocks is answered 408 for, and started anew', async () => {
    await startRunner();
    await create(blocking);
    const first = await call(await endpoint());
    expect(await call(await endpoint(), '{"block":true}')).toMatchObject({ status: 408 });
    await eventually(
      'another process answers',
      async () => {
        const { body } = await call(await endpoint());
        return body !== first.body;
      },
      START,
    );
  });

  test('that is killed is not ready until its next process answers', async () => {
    const clock = new ManualClock();
    await startRunner({ clock });
    await create(pid);
    const killed = Number((await call(await endpoint())).body);
    process.kill(killed, 'SIGKILL');
    const down = await becomes('False', 'Exited');
    expect(down).toMatchObject({ message: 'It was ended by SIGKILL.' });
    expect(down.endpoint).toBeUndefined();
    clock.advance(1_000);
    expect(Number((await call(await endpoint())).body)).not.toBe(killed);
  });

  test('that does not start says why', async () => {
    await startRunner();
    await create(broken);
    const { message } = await becomes('False', 'StartFailed');
    expect(message).toMatch(/^SyntaxError: /);
  });

  test('is gone when the runner is closed', async () => {
    const runner = await startRunner();
    await create(pid);
    const process = Number((await call(await endpoint())).body);
    await runner.close(systemClock.monotonic() + 5_000);
    expect(isAlive(process)).toBe(false);
    await runner.close(systemClock.monotonic());
  });
});

test('a promise that outlives the timeout is answered 408, and the process goes on', async () => {
  await startRunner();
  await create(
    node('let n = 0; export const f = ({ data }) => data.wait ? new Promise(() => {}) : String(++n);', {
      timeout: '1s',
    }),
  );
  const url = await endpoint();
  await call(url);
  expect(await call(url, '{"wait":true}')).toMatchObject({ status: 408 });
  expect(await call(url)).toMatchObject({ status: 200, body: '2' });
});

test('a changed function answers with its new code, and no call is refused on the way', async () => {
  await startRunner();
  await create(node('exports.f = () => "one";'));
  const before = await endpoint();
  await api.resources.patch(functionResource, 'default', name, { spec: { function: 'exports.f = () => "two";' } });
  const after = await eventually('the endpoint is another one', async () => {
    expect(await call(before)).toMatchObject({ status: 200 });
    const { endpoint } = await ready();
    return endpoint !== before && endpoint;
  });
  expect(await call(after)).toMatchObject({ status: 200, body: 'two' });
});

test('new code that does not start leaves the code before it in force', async () => {
  const warnings: string[] = [];
  await startRunner({ log: { ...silent, warn: (_, message) => void warnings.push(message) } });
  await create(node('exports.f = () => "one";'));
  const url = await endpoint();
  await api.resources.patch(functionResource, 'default', name, { spec: { function: 'throw new Error("no");' } });
  const { message, endpoint: still } = await becomes('True', 'PreviousVersion');
  expect(message).toContain('Error: no');
  expect(warnings).toEqual([message]);
  expect(still).toBe(url);
  expect(await call(url)).toMatchObject({ body: 'one' });
});

test('a new label does not start a new process', async () => {
  await startRunner();
  await create(node('export const f = () => String(process.pid);'));
  const url = await endpoint();
  const { body } = await call(url);
  await api.resources.patch(functionResource, 'default', name, {
    metadata: { labels: { a: 'b' } },
    spec: { 'some-other-field': 1 },
  });
  await eventually('the runner has seen it', async () => {
    const { metadata, status } = await stored();
    return status?.conditions?.[0]?.observedGeneration === metadata.generation;
  });
  expect(await endpoint()).toBe(url);
  expect(await call(url)).toMatchObject({ body });
});

test('a missing interpreter is a condition, not a failed start', async () => {
  await startRunner({ environment: { PATH: dir.path } });
  await create(python('def f(event, context): pass'));
  const { message } = await becomes('False', 'RuntimeMissing');
  expect(message).toBe('python3 is not installed on this machine, or not on the PATH.');
});

test('what cannot run here is a condition', async () => {
  await startRunner();
  await create({ ...node('https://example.com/f.js'), 'function-content-type': 'url' });
  const { message } = await becomes('False', 'UnsupportedContentType');
  expect(message).toContain('not supported by the local runner');
});

test('endpoints of an earlier run are gone before the runner has started', async () => {
  await create({ endpoint: 'http://127.0.0.1:1' }, { endpoint: 'http://127.0.0.1:2' });
  await startRunner();
  expect((await stored()).status?.endpoint).toBeUndefined();
});

test('what a function printed is still there after the next start', async () => {
  const first = await startRunner();
  await create(node('console.log("loaded"); exports.f = () => {};'));
  await endpoint();
  await first.close(systemClock.monotonic() + 5_000);
  const second = await startRunner();
  await endpoint();
  await eventually('both lines', () => second.output('default', name)?.lines().join() === 'loaded,loaded');
});

test('a deleted function is ended and its folder removed; made again, it runs again', async () => {
  await startRunner();
  await create(node('export const f = () => String(process.pid);'));
  const pid = Number((await call(await endpoint())).body);
  await api.resources.delete(functionResource, 'default', name);
  const folder = join(dir.path, 'functions', 'default', name);
  await eventually('process and folder are gone', () => !isAlive(pid) && !existsSync(folder));
  await create(node('export const f = () => "again";'));
  expect(await call(await endpoint())).toMatchObject({ body: 'again' });
});

test('a process has the variables of its object, and no volume', async () => {
  await startRunner();
  const container = { env: [{ name: 'GREETING', value: 'hello' }], resources: { limits: { memory: '64Mi' } } };
  const pod = (one: object) => ({ spec: { template: { spec: { containers: [one] } } } });
  const code = 'exports.f = (_, context) => process.env.GREETING + context["memory-limit"];';
  await create(node(code, { deployment: pod(container) }));
  expect(await call(await endpoint())).toMatchObject({ body: 'hello64Mi' });
  const volumeMounts = [{ name: 'keys-vol', mountPath: '/keys' }];
  await api.resources.patch(functionResource, 'default', name, {
    spec: { deployment: pod({ ...container, volumeMounts }) },
  });
  const { message } = await becomes('False', 'ContainerNotSupported');
  expect(message).toContain('mounts the volume keys-vol at /keys');
});

test('a process inherits nothing but the environment it is given', async () => {
  await startRunner({ environment: { ...environment, LANG: 'C' } });
  await create(node('export const f = () => Object.keys(process.env).sort().join();'));
  const { body } = await call(await endpoint());
  expect(body).toBe('FUNC_HANDLER,FUNC_MEMORY_LIMIT,FUNC_RUNTIME,FUNC_TIMEOUT,LANG,MOD_NAME,PATH');
});
