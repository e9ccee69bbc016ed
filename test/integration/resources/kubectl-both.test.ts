import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { explained } from '../../../src/cli/explained.ts';
import { manifestTypes } from '../../../src/cli/manifest-types.ts';
import { BUILDING_MS, type KubeApi, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { installCrds } from '../../support/cluster.ts';
import { command } from '../../support/command.ts';
import { cleanEnvironment } from '../../support/gateway.ts';
import { startProcess } from '../../support/process.ts';
import { type ResourceApi, startResourceApi } from '../../support/resource-api.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

/* What kubectl says of our resources is the same wherever they are kept. */

interface Answer {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

let cluster: KubeApi;
let embedded: ResourceApi;
let home: TempDir;
let kubectl: string;

beforeAll(async () => {
  kubectl = await kubectlBinary();
  await kubeApiCanStart();
  home = await tempDir('kubectl-both');
  cluster = await startKubeApi();
  await installCrds(cluster, (await command(['crds'])).stdout);
  embedded = await startResourceApi(explained(manifestTypes()));
}, BUILDING_MS);
afterAll(async () => {
  await embedded?.[Symbol.asyncDispose]();
  await cluster?.stop();
  await home?.remove();
});

const servers = ['cluster', 'embedded'] as const;
type Server = (typeof servers)[number];

const reach = (server: Server, args: readonly string[]) => ({
  args: server === 'cluster' ? args : ['--server', embedded.url, ...args],
  // Discovery is kept in the home directory.
  env: {
    ...cleanEnvironment(),
    HOME: join(home.path, server),
    ...(server === 'cluster' ? { KUBECONFIG: cluster.kubeconfig } : {}),
  },
});

function run(server: Server, ...args: string[]): Promise<Answer> {
  const { args: all, env } = reach(server, args);
  return new Promise((resolve) => {
    execFile(kubectl, all, { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout: lasting(stdout), stderr: lasting(stderr) }),
    );
  });
}

/** Without what differs from run to run: ages, identities, versions, moments. */
const lasting = (text: string): string =>
  text
    .replaceAll(/\b\d+(ms|s)\b/g, 'AGE')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UID')
    .replaceAll(/(resourceVersion"?: )"\d+"/g, '$1VERSION')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/https?:\/\/127\.0\.0\.1:\d+/g, 'SERVER');

/** The same on both; answers it. */
async function both(...args: string[]): Promise<Answer> {
  const [there, here] = await Promise.all(servers.map((server) => run(server, ...args)));
  expect(here, args.join(' ')).toEqual(there);
  return there ?? { code: null, stdout: '', stderr: '' };
}

async function good(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await both(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function manifest(kind: string, name: string, spec: object): Promise<string> {
  const path = join(home.path, `${name}.yaml`);
  await writeFile(path, stringify({ apiVersion: 'kubeless.io/v1beta1', kind, metadata: { name }, spec }));
  return path;
}

const orders = { topic: 'orders', functionSelector: { matchLabels: { app: 'shop' } } };

/** What a controller would write. */
const ready = (status: 'True' | 'False', reason: string): string => {
  const condition = { type: 'Ready', status, reason, message: reason, lastTransitionTime: '2026-01-01T00:00:00Z' };
  return JSON.stringify({ status: { observedGeneration: 1, conditions: [condition], functions: ['a'] } });
};
const asStatus = (kind: string, name: string, body: string): string[] => [
  ...['patch', kind, name, '--subresource=status', '--type=merge'],
  ...['-p', body],
];

describe('kubectl says the same of a kube-apiserver and of the embedded one:', () => {
  test('create, get, delete', async () => {
    const file = await manifest('KafkaTrigger', 'made', orders);
    expect(await good('create', '-f', file)).toBe('kafkatrigger.kubeless.io/made created\n');
    expect((await both('create', '-f', file)).stderr).toContain('AlreadyExists');
    expect(await good('get', 'kafkatriggers')).toMatch(/^NAME +TOPIC/);
    expect(await good('get', 'kt', 'made', '-o', 'name')).toBe('kafkatrigger.kubeless.io/made\n');
    await good('get', 'kt', 'made', '-o', 'wide');
    await good('get', 'kt', '-o', 'jsonpath={.items[*].spec.topic}');
    await good('get', 'kt', '-o', 'custom-columns=A:.metadata.name,B:.spec.functionSelector.matchLabels.app');
    await good('get', 'kt', '--field-selector', 'metadata.name=made', '--no-headers');
    await good('get', 'trigate', '-A');
    expect(await good('delete', 'kt', 'made')).toContain('deleted');
    expect((await both('get', 'kt', 'made')).stderr).toContain('NotFound');
    expect((await both('delete', 'kt', 'made')).stderr).toContain('NotFound');
    expect(await good('delete', 'kt', 'made', '--ignore-not-found')).toBe('');
  });

  test('apply, and what has changed', async () => {
    expect(await good('apply', '-f', await manifest('NATSTrigger', 'applied', orders))).toContain('created');
    expect(await good('apply', '-f', await manifest('NATSTrigger', 'applied', orders))).toContain('unchanged');
    const other = await manifest('NATSTrigger', 'applied', { ...orders, topic: 'others.*' });
    expect(await good('apply', '-f', other)).toContain('configured');
    expect(await good('get', 'nt', 'applied', '-o', 'jsonpath={.spec.topic} {.metadata.generation}')).toBe(
      'others.* 2',
    );
    expect(await good('apply', '--dry-run=server', '-f', other)).toContain('(server dry run)');
  });

  test('patch, in three ways, and of the status', async () => {
    await good('create', '-f', await manifest('KafkaTrigger', 'patched', orders));
    const merge = ['patch', 'kt', 'patched', '--type=merge', '-p'];
    expect(await good(...merge, '{"spec":{"paused":true}}')).toContain('patched');
    expect(await good(...merge, '{"spec":{"paused":true}}')).toContain('(no change)');
    await good('patch', 'kt', 'patched', '--type=json', '-p', '[{"op":"replace","path":"/spec/topic","value":"x"}]');
    await good('label', 'kt', 'patched', 'app=a');
    await good('annotate', 'kt', 'patched', 'a/b=c');
    await good(...asStatus('kt', 'patched', ready('True', 'Delivering')));
    const fields = '{.spec.paused} {.spec.topic} {.metadata.labels.app} {.metadata.generation} {.status.functions[0]}';
    expect(await good('get', 'kt', 'patched', '-o', `jsonpath=${fields}`)).toBe('true x a 3 a');
    expect(await good('get', 'kt', '-l', 'app=a')).toContain('Delivering');
  });

  test('wait: for a condition, for a field, for the end', async () => {
    await good('create', '-f', await manifest('KafkaTrigger', 'awaited', orders));
    const waits = servers.map((server) => run(server, 'wait', '--for=condition=Ready', '--timeout=20s', 'kt/awaited'));
    await good(...asStatus('kt', 'awaited', ready('False', 'Connecting')));
    await good(...asStatus('kt', 'awaited', ready('True', 'Delivering')));
    for (const { stdout } of await Promise.all(waits)) expect(stdout).toContain('condition met');
    await good('wait', '--for=jsonpath={.spec.topic}=orders', '--timeout=5s', 'kt/awaited');
    expect((await both('wait', '--for=condition=Ready=False', '--timeout=1s', 'kt/awaited')).stderr).toContain(
      'timed out',
    );
    const gone = servers.map((server) => run(server, 'wait', '--for=delete', '--timeout=20s', 'kt/awaited'));
    await good('delete', 'kt', 'awaited');
    for (const { code } of await Promise.all(gone)) expect(code).toBe(0);
  });

  test('watch: each change is a line', async () => {
    const lines = await Promise.all(
      servers.map(async (server) => {
        const { args, env } = reach(server, [
          'get',
          'nt',
          '-n',
          'default',
          '-w',
          '--output-watch-events',
          '--field-selector=metadata.name=watched',
        ]);
        const watching = await startProcess(kubectl, args, { name: `kubectl ${server}`, env });
        onTestFinished(async () => void (await watching.stop('SIGTERM', 5_000)));
        await run(server, 'create', '-f', await manifest('NATSTrigger', 'watched', orders));
        await watching.line(/^ADDED +watched +orders/);
        await run(server, 'patch', 'nt', 'watched', '--type=merge', '-p', '{"spec":{"topic":"changed"}}');
        await watching.line(/^MODIFIED +watched +changed/);
        await run(server, 'delete', 'nt', 'watched');
        await watching.line(/^DELETED +watched/);
        return watching.lines.map(lasting);
      }),
    );
    expect(lines[1]).toEqual(lines[0]);
  });

  test.each([
    ['kt.spec'],
    ['kt.spec.delivery'],
    ['kt.spec.delivery.ttl'],
    ['kt.spec.functionSelector.matchExpressions'],
    ['nt.spec.topic'],
    ['cjt.spec.schedule'],
    ['fn.spec.endpoint'],
  ])('explain %s', async (what) => {
    expect(await good('explain', what)).toContain('DESCRIPTION');
  });

  test('explain an object', async () => {
    // What all objects have in common is told in words of their own.
    for (const server of servers) {
      const { stdout } = await run(server, 'explain', 'kafkatriggers');
      expect(stdout).toMatch(/DESCRIPTION:\n +Calls functions with the events of a Kafka topic, at most once\./);
      expect(stdout).toMatch(/spec\t<Object> -required-\n +What is wanted\./);
    }
  });

  test.each([
    ['no topic', 'KafkaTrigger', { functionSelector: {} }],
    ['a topic that cannot be', 'KafkaTrigger', { ...orders, topic: 'a b' }],
    ['no duration', 'KafkaTrigger', { ...orders, delivery: { ttl: 'soon' } }],
    ['a field that is not known', 'KafkaTrigger', { ...orders, deliveri: {} }],
  ])('%s is refused by both', async (title, kind, spec) => {
    const file = await manifest(kind, title.replaceAll(' ', '-'), spec);
    // Each in its own words: those of the embedded server begin with the field.
    for (const server of servers) {
      const { code, stderr } = await run(server, 'create', '-f', file);
      expect({ server, code }).toEqual({ server, code: 1 });
      expect(stderr).toMatch(/invalid|unknown field|strict decoding/i);
    }
  });
});
