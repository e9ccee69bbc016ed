import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../test/support/temp.ts';
import { readClientConfig } from './client.ts';

const LOCAL = { type: 'gateway', url: 'http://127.0.0.1:8080', from: 'the default' };

async function kubeconfig(text: string) {
  const folder = await tempDir('client');
  const path = join(folder.path, 'config');
  writeFileSync(path, text);
  return { path, [Symbol.asyncDispose]: () => folder.remove() };
}

describe('readClientConfig', () => {
  it('looks only at what a client needs', () => {
    const config = readClientConfig({ KAFKA_BROKERS: '?', TRIGATE_GATEWAY: 'http://gw:81/' }, { namespace: 'shop' });
    const gateway = { type: 'gateway', url: 'http://gw:81', from: 'TRIGATE_GATEWAY' };
    expect(config).toMatchObject({ resources: gateway, gateway, namespace: 'shop', token: undefined });
  });

  it('goes to the gateway of this machine when nobody says', () => {
    expect(readClientConfig({})).toMatchObject({ resources: LOCAL, gateway: LOCAL, namespace: undefined });
  });

  it('goes to the cluster of a kubeconfig for resources, and to this machine for events', async () => {
    await using file = await kubeconfig('apiVersion: v1\ncurrent-context: live\n');
    const config = readClientConfig({ KUBECONFIG: file.path });
    expect(config.gateway).toEqual(LOCAL);
    expect(config.resources).toMatchObject({
      type: 'cluster',
      access: { type: 'kubeconfig', files: [file.path] },
      from: 'KUBECONFIG',
    });
  });

  it.each(['current-context: ""\n', "current-context: ''", 'kind: Config\n', '{"current-context":""}'])(
    'passes by a kubeconfig without a current context: %j',
    async (text) => {
      await using file = await kubeconfig(text);
      expect(readClientConfig({ KUBECONFIG: `${file.path}:/nowhere` }).resources).toEqual(LOCAL);
    },
  );

  it.each(['current-context: "a"', '{"current-context":"a"}', 'kind: Config\ncurrent-context: a # b'])(
    'takes a kubeconfig with one: %j',
    async (text) => {
      await using file = await kubeconfig(text);
      expect(readClientConfig({ KUBECONFIG: file.path }).resources.type).toBe('cluster');
    },
  );

  it('lets a named gateway win over a kubeconfig that exists, and a flag over the environment', async () => {
    await using file = await kubeconfig('current-context: live');
    const env = { KUBECONFIG: file.path, TRIGATE_GATEWAY: 'http://gw' };
    expect(readClientConfig(env).resources.from).toBe('TRIGATE_GATEWAY');
    expect(readClientConfig(env, { context: 'test' })).toMatchObject({
      resources: { type: 'cluster', access: { context: 'test' }, from: '--context' },
      gateway: undefined,
    });
    expect(readClientConfig(env, { kubeconfig: '/other' }).resources.from).toBe('--kubeconfig');
  });

  it('goes to the cluster of its pod', () => {
    const { resources } = readClientConfig({ KUBERNETES_SERVICE_HOST: '10.0.0.1' });
    expect(resources).toMatchObject({ type: 'cluster', access: { type: 'pod' } });
  });

  it.each([
    [{ gateway: 'gw' }, '--gateway must be an http:// or https:// URL, found "gw".'],
    [{ gateway: 'http://gw', context: 'a' }, '--gateway and --context name two servers: give one of them.'],
  ])('refuses %j', (flags, sentence) => {
    expect(() => readClientConfig({}, flags)).toThrow(sentence);
  });
});
