import { describe, expect, it } from 'vitest';
import { servedTypes } from '../../../src/cli/served-types.ts';
import { functionType } from '../../../src/domain/function.ts';
import type { KubernetesObject } from '../../../src/domain/resource.ts';
import { createKubernetesKind, kubernetesTriggerType } from '../../../triggers/kubernetes/index.ts';
import { startResourceApi } from '../../support/resource-api.ts';
import { commandLine } from './command-line.ts';

const UNREACHABLE = { TRIGATE_GATEWAY: 'http://127.0.0.1:1' };

const never = (): never => {
  throw new Error('this kind only says what its types are');
};

async function startApi() {
  const api = await startResourceApi(servedTypes([createKubernetesKind({ home: never, alone: true })]));
  await api.resources.create<KubernetesObject>(functionType, {
    apiVersion: 'kubeless.io/v1beta1',
    kind: 'Function',
    metadata: { name: 'audit', namespace: 'default', labels: { app: 'audit' } },
    spec: { endpoint: 'http://127.0.0.1:1' },
  });
  const run = (...args: string[]) => commandLine(['trigger', 'kubernetes', ...args, '--gateway', api.url]);
  const specOf = async (name: string) =>
    (await api.resources.get<KubernetesObject>(kubernetesTriggerType, 'default', name)).spec;
  return { ...api, run, specOf };
}

const select = ['--function-selector', 'app=audit'];

describe('trigger kubernetes', () => {
  it('creates what the flags say, and finds the resource by any of its names', async () => {
    await using api = await startApi();
    const flags = [
      '--event',
      'added',
      '--event',
      'modified',
      '--object-selector',
      'app in (a,b)',
      '--changed',
      '/data/x',
    ];
    const { code, stderr } = await api.run('create', 't', '--resource', 'cm', ...flags, ...select);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'INFO[0000] Kubernetes trigger t created in namespace default successfully!\n' +
        'INFO[0000] selects 1 function: audit\n',
    });
    expect(await api.specOf('t')).toEqual({
      resource: { apiVersion: 'v1', kind: 'ConfigMap' },
      labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] },
      events: ['added', 'modified'],
      changed: ['/data/x'],
      functionSelector: { matchLabels: { app: 'audit' } },
    });
    for (const name of [
      'configmaps',
      'ConfigMap',
      'v1/ConfigMap',
      'functions.kubeless.io',
      'kubeless.io/v1beta1/Function',
    ]) {
      expect(
        (await api.run('create', name.toLowerCase().replaceAll(/[/.]/g, '-'), '--resource', name, ...select)).code,
      ).toBe(0);
    }
  });

  it('updates only what is given, lists and deletes', async () => {
    await using api = await startApi();
    await api.run('create', 't', '--resource', 'configmaps', '--mode', 'reference', ...select);
    expect((await api.run('update', 't', '--event', 'deleted', '--paused', 'true')).code).toBe(0);
    expect(await api.specOf('t')).toMatchObject({ mode: 'reference', events: ['deleted'], paused: true });
    const { stdout } = await api.run('list');
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      expect.stringMatching(/^NAME +NAMESPACE +RESOURCE +FUNCTION SELECTOR$/),
      expect.stringMatching(/^t +default +v1\/ConfigMap +app=audit$/),
      '',
    ]);
    expect((await api.run('delete', 't')).stderr).toContain('deleted from namespace default successfully!');
    expect((await api.run('list')).stderr).toContain('No Kubernetes triggers found');
  });

  it('prints the object with --dryrun, and asks nobody where the resource is named in full', async () => {
    const args = [
      'create',
      't',
      '--resource',
      'apps/v1/Deployment',
      '--changed',
      '/spec/replicas',
      ...select,
      '--dryrun',
    ];
    const { code, stdout } = await commandLine(['trigger', 'kubernetes', ...args], UNREACHABLE);
    expect(code).toBe(0);
    expect(stdout).toContain('kind: KubernetesTrigger');
    expect(stdout).toContain('- /spec/replicas');
  });

  it.each([
    [['--resource', 'widgets'], /The server has no resource "widgets"/],
    [['--resource', 'configmaps', '--changed', 'spec'], /--changed: must begin with a slash/],
    [['--resource', 'configmaps', '--event', 'gone'], /--event: must be one of added, modified, deleted, found "gone"/],
    [['--resource', 'configmaps', '--field-selector', 'name'], /--field-selector: has the term "name"/],
    [['--resource', 'configmaps', '--object-selector', '=x'], /Invalid label selector/],
    [['--resource', 'secrets'], /must not be Secret.*TRIGATE_KUBERNETES_ALLOW/],
    [['--resource', 'watchcheckpoints'], /must not be WatchCheckpoint/],
    [['--resource', 'configmaps', '--scope', 'allNamespaces'], /must be namespace.*TRIGATE_KUBERNETES_SCOPES/],
  ])('says of %j what is wrong', async (flags, sentence) => {
    await using api = await startApi();
    const { code, stderr } = await api.run('create', 't', ...flags, ...select);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(sentence);
  });

  it('says which flags are missing', async () => {
    const { stderr } = await commandLine(['trigger', 'kubernetes', 'create', 't'], UNREACHABLE);
    expect(stderr).toContain('required flag(s) "function-selector", "resource" not set');
  });
});
