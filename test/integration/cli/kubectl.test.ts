import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestTypes } from '../../../src/cli/manifest-types.ts';
import { kubectlBinary } from '../../services/kubectl/kubectl.ts';
import { cleanEnvironment } from '../../support/gateway.ts';
import { type ResourceApi, startResourceApi } from '../../support/resource-api.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MANIFEST = `apiVersion: kubeless.io/v1beta1
kind: KafkaTrigger
metadata: {name: pay, labels: {app.io/x: one, keep: "1"}}
spec: {topic: orders}
---
apiVersion: kubeless.io/v1beta1
kind: KafkaTrigger
metadata: {name: ship}
spec: {topic: parcels, paused: true, delivery: {concurrency: 2}}
`;

let api: ResourceApi;
let folder: TempDir;
let kubectl: string;

beforeAll(async () => {
  kubectl = await kubectlBinary();
  api = await startResourceApi(manifestTypes());
  folder = await tempDir('kubectl');
  // As npm installs them.
  await symlink(process.execPath, join(folder.path, 'node'));
  await symlink(join(ROOT, 'bin/trigate.js'), join(folder.path, 'kubectl-trigate'));
  await symlink(join(ROOT, 'bin/kubectl_complete-trigate.js'), join(folder.path, 'kubectl_complete-trigate'));
  await writeFile(join(folder.path, 'manifest.yaml'), MANIFEST);
}, 900_000);
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await folder?.remove();
});

const run = (args: readonly string[]) =>
  new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    const PATH = [folder.path, dirname(kubectl), process.env.PATH].join(delimiter);
    const env = { ...cleanEnvironment(), PATH, HOME: folder.path, TRIGATE_GATEWAY: api.url };
    execFile(kubectl, args, { env }, (error, stdout, stderr) =>
      error === null ? resolve({ stdout, stderr }) : reject(new Error(`${error.message}\n${stderr}`)),
    );
  });
const ours = (...args: string[]) => commandLine(args, { TRIGATE_GATEWAY: api.url });

it('what one applies the other can apply again, and neither takes away what the other has not put there', async () => {
  const file = join(folder.path, 'manifest.yaml');
  expect((await ours('apply', '-f', file)).stdout).toContain('kafkatrigger.kubeless.io/pay created');
  const { stdout, stderr } = await run(['--server', api.url, 'apply', '-f', file]);
  expect(stderr).not.toContain('missing the kubectl.kubernetes.io/last-applied-configuration');
  expect(stdout).toMatch(/kafkatrigger\.kubeless\.io\/pay (unchanged|configured)/);
  await writeFile(file, MANIFEST.replace(', keep: "1"', ''));
  await run(['--server', api.url, 'apply', '-f', file]);
  expect((await ours('apply', '-f', file)).stdout).toContain('kafkatrigger.kubeless.io/pay ');
  const { stdout: labels } = await ours('get', 'kt', 'pay', '-o', 'jsonpath={.metadata.labels}');
  expect(JSON.parse(labels)).toEqual({ 'app.io/x': 'one' });
});

describe('-o jsonpath prints what kubectl prints', () => {
  it.each([
    '{.kind}',
    '{$.kind}',
    '{@.kind}',
    '{.items[*].metadata.name}',
    '{.items[0].metadata.name}',
    '{.items[-1:].metadata.name}',
    '{.items[0:2].spec.topic}',
    '{.items[0,1].metadata.name}',
    "{.items[0]['metadata','spec'].name}",
    '{.items[0].metadata.labels.app\\.io/x}',
    "{.items[0].metadata.labels['app\\.io/x']}",
    '{.items[?(@.spec.paused==true)].metadata.name}',
    '{.items[?(@.metadata.name=="pay")].spec.topic}',
    "{.items[?(@.metadata.name!='pay')].spec.topic}",
    '{.items[?(@.spec.delivery.concurrency>1)].metadata.name}',
    '{.items[?(@.spec.delivery)].metadata.name}',
    '{.items[1].spec.delivery}',
    '{..concurrency}',
    '{.nothing}',
    'a {.kind} b',
    '{range .items[*]}{.metadata.name}{"\\t"}{.spec.topic}{"\\n"}{end}',
  ])('%s', async (template) => {
    const theirs = await run(['--server', api.url, 'get', 'kafkatriggers', '-o', `jsonpath=${template}`]);
    expect((await ours('get', 'kafkatriggers', '-o', `jsonpath=${template}`)).stdout).toBe(theirs.stdout);
  });
});

describe('as a plugin of kubectl', () => {
  it('runs', async () => {
    expect((await run(['trigate', 'version'])).stdout).toMatch(/^Trigate version: v\d/);
    expect((await run(['trigate', 'trigger', 'kafka', 'list', '-o', 'name'])).stdout).toContain(
      'kafkatrigger.kubeless.io/pay\n',
    );
  });

  it('completes', async () => {
    expect((await run(['__complete', 'trigate', 'trigger', 'kafka', 'delete', 'p'])).stdout).toMatch(/^pay\n:4\n/);
  });
});

it('kubectl, which asks for it, is refused a field that nobody would read', async () => {
  const file = join(folder.path, 'misspelled.yaml');
  await writeFile(file, MANIFEST.replace('{name: ship}', '{name: sink, label: {app: a}}'));
  const applied = run(['--server', api.url, 'apply', '-f', file]);
  await expect(applied).rejects.toThrow('strict decoding error: metadata.label is not a field that is known here');
  await expect(run(['--server', api.url, 'get', 'kafkatrigger', 'sink'])).rejects.toThrow('not found');
  const { stdout } = await run(['--server', api.url, 'apply', '--validate=false', '-f', file]);
  expect(stdout).toContain('kafkatrigger.kubeless.io/sink created');
  // What is stored already is not the mistake of who changes something else.
  const labelled = await run(['--server', api.url, 'label', 'kafkatrigger', 'sink', 'app=a']);
  expect(labelled.stdout).toContain('labeled');
});
