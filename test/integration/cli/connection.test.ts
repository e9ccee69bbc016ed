import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { cleanEnvironment } from '../../support/gateway.ts';
import { tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';
import { fakeGateway, list, ok } from './fake-gateway.ts';

const LIST = ['trigger', 'kafka', 'list'];
const triggersOf = (namespace: string) => `GET /apis/kubeless.io/v1beta1/namespaces/${namespace}/kafkatriggers`;

/** A kubeconfig of two contexts at one server; the second has a namespace. */
async function kubeconfig(server: string, user: object = { token: 'of-the-cluster' }, isInsecure = true) {
  const folder = await tempDir('connection');
  const path = join(folder.path, 'config');
  const contexts = [
    { name: 'first', context: { cluster: 'c', user: 'u' } },
    { name: 'second', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
  ];
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...(isInsecure && { 'insecure-skip-tls-verify': true }) } }],
    users: [{ name: 'u', user }],
    contexts,
    'current-context': 'first',
  };
  await writeFile(path, stringify(config));
  return { path, [Symbol.asyncDispose]: () => folder.remove() };
}

describe('who is spoken to', () => {
  it('is the cluster of the kubeconfig, in the namespace of the context', async () => {
    await using cluster = await fakeGateway({ [triggersOf('default')]: list(), [triggersOf('shop')]: list() });
    await using file = await kubeconfig(cluster.url);
    const env = { KUBECONFIG: file.path, TRIGATE_TOKEN: 'of-the-gateway' };
    expect((await commandLine([...LIST, '-v'], env)).stderr).toBe(
      `DEBU[0000] Speaks to the cluster ${cluster.url}, named by KUBECONFIG.\n` +
        'INFO[0000] No Kafka triggers found in namespace default.\n',
    );
    expect((await commandLine([...LIST, '--context', 'second'], env)).stderr).toContain('in namespace shop.');
    expect((await commandLine([...LIST, '--context', 'second', '-n', 'default'], env)).stderr).toContain('default.');
    expect(cluster.received.map(({ headers }) => headers.authorization)).toEqual(
      cluster.received.map(() => 'Bearer of-the-cluster'),
    );
  });

  it('is the gateway that is named, before a kubeconfig', async () => {
    await using gateway = await fakeGateway({
      [triggersOf('default')]: list(),
      'GET /v1/topics': ok({ topics: ['a'] }),
    });
    await using file = await kubeconfig('http://127.0.0.1:1');
    const env = { KUBECONFIG: file.path, TRIGATE_GATEWAY: gateway.url };
    expect((await commandLine([...LIST, '-v'], env)).stderr).toContain(
      `the gateway ${gateway.url}, named by TRIGATE_GATEWAY.`,
    );
    const { stdout, stderr } = await commandLine(['topic', 'list', '-v', '--gateway', gateway.url], {
      KUBECONFIG: file.path,
    });
    expect(stdout).toBe('a\n');
    expect(stderr).toBe(`DEBU[0000] Speaks to the gateway ${gateway.url}, named by --gateway.\n`);
  });

  it.each([
    [{ TRIGATE_GATEWAY: 'http://127.0.0.1:1' }, 'Start a gateway with "trigate serve"'],
    [{}, 'Name another cluster with --context, or a gateway with --gateway.'],
  ])('is said with what to do when nobody answers: %j', async (env, hint) => {
    await using file = await kubeconfig('http://127.0.0.1:1');
    const { stderr } = await commandLine(LIST, { KUBECONFIG: file.path, ...env });
    expect(stderr).toMatch(/^FATA\[0000\] Cannot reach http:\/\/127\.0\.0\.1:1: /);
    expect(stderr).toContain(hint);
  });
});

describe('a cluster without TLS', () => {
  it('is spoken to when there is nothing to hide', async () => {
    await using cluster = await fakeGateway({ [triggersOf('default')]: list() });
    await using file = await kubeconfig(cluster.url, {}, false);
    expect(await commandLine(LIST, { KUBECONFIG: file.path })).toMatchObject({
      code: 0,
      stderr: 'INFO[0000] No Kafka triggers found in namespace default.\n',
    });
  });

  it.each([{ token: 'hunter2' }, { username: 'u', password: 'hunter2' }])('gets no login: %j', async (user) => {
    await using cluster = await fakeGateway({ [triggersOf('default')]: list() });
    await using file = await kubeconfig(cluster.url, user, false);
    const { code, stderr } = await commandLine(LIST, { KUBECONFIG: file.path });
    expect({ code, received: cluster.received }).toEqual({ code: 1, received: [] });
    expect(stderr).toContain(`The server of cluster "c" in ${file.path} is ${cluster.url}, where anybody`);
    expect(stderr).not.toMatch(/hunter2|Look at the user/);
  });
});

it('a kubeconfig that is no YAML is told in one line', async () => {
  await using folder = await tempDir('connection');
  const path = join(folder.path, 'config');
  await writeFile(path, 'clusters: [\n  a: {\n');
  const { code, stderr } = await commandLine([...LIST, '--kubeconfig', path]);
  expect({ code, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, lines: 1 });
  expect(stderr).toMatch(/config cannot be read: [^·]+\.\n$/);
});

describe('how much is said', () => {
  it('is nothing but warnings and errors with -q', async () => {
    await using gateway = await fakeGateway({ [triggersOf('default')]: list() });
    const env = { TRIGATE_GATEWAY: gateway.url };
    expect(await commandLine([...LIST, '-q', '--no-headers'], env)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await commandLine([...LIST, '-q', '-o', 'xml'], env)).stderr).toContain('FATA');
  });

  it.each([
    ['-v', 'topic', 'list'],
    ['topic', 'list', '-v'],
    ['topic', 'list', '-v', '1'],
    ['topic', '-v1', 'list'],
    ['topic', 'list', '-v', '--broker', 'log'],
  ])('takes %s %s %s for a level and a command', async (...args) => {
    await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics: ['a'] }) });
    const { stdout, stderr } = await commandLine(args, { TRIGATE_GATEWAY: gateway.url });
    expect({ stdout, stderr }).toEqual({ stdout: 'a\n', stderr: expect.stringContaining('DEBU[0000] Speaks to') });
  });

  it.each([
    [['events', '-f', '-v', 'nope'], 'too many arguments'],
    [['function', 'logs', '-f', '-v', 'nope', '--tail', 'x'], '--tail must be a number of lines'],
  ])('is asked for by a -v behind any flag, and takes no word: %j', async (args, sentence) => {
    const { stderr } = await commandLine(args, { TRIGATE_GATEWAY: 'http://127.0.0.1:1' });
    expect(stderr).toContain(sentence);
  });

  it('refuses a level that is none', async () => {
    expect((await commandLine(['topic', 'list', '-v', '10'])).stderr).toContain(
      '-v must be a level from 0 to 9, found "10".',
    );
  });
});

/** The modules that a command loads, ours by their path in the project. */
async function modulesOf(...words: string[]): Promise<{ stdout: string; modules: string[] }> {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { console.error(url); return next(url, context); } });`;
  const root = join(import.meta.dirname, '../../..');
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(hooks)}`,
    join(root, 'bin/trigate.js'),
    ...words,
  ];
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    execFile(process.execPath, args, { env: cleanEnvironment() }, (error, out, err) =>
      error === null ? resolve({ stdout: out, stderr: err }) : reject(error),
    );
  });
  return {
    stdout,
    modules: stderr
      .trim()
      .split('\n')
      .map((url) => url.replace(`${pathToFileURL(root)}/`, '')),
  };
}

describe('what is loaded', () => {
  it('for --version is what prints it, and nothing that has to be translated', async () => {
    const { stdout, modules } = await modulesOf('--version');
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(modules).toEqual(['bin/trigate.js', 'node:fs', 'node:path', 'node:url']);
  });

  it.each(['--help', 'version', 'trigger kafka create --help', 'completion bash'])(
    'for %s is the tree of commands, and nothing that they run with',
    async (words) => {
      const { modules } = await modulesOf(...words.split(' '));
      const packages = modules.flatMap((name) => /^node_modules\/((@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []);
      expect([...new Set(packages)]).toEqual(['commander']);
      expect(
        modules.filter((name) =>
          /^(triggers|src\/(admin|controller|delivery|functions|resources|standalone))\//.test(name),
        ),
      ).toEqual([]);
    },
  );
});
