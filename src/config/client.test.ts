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
    const target = { type: 'gateway', url: 'http://gw:81', from: 'TRIGATE_GATEWAY' };
    expect(config).toMatchObject({ target, namespace: 'shop', token: undefined, release: undefined });
  });

  it('goes to the gateway of this machine when nobody says', () => {
    expect(readClientConfig({})).toMatchObject({ target: LOCAL, namespace: undefined });
  });

  it('goes to the cluster of a kubeconfig', async () => {
    await using file = await kubeconfig('apiVersion: v1\ncurrent-context: live\n');
    const config = readClientConfig({ KUBECONFIG: file.path });
    expect(config.target).toMatchObject({
      type: 'cluster',
      access: { type: 'kubeconfig', files: [file.path] },
      from: 'KUBECONFIG',
    });
  });

  it.each(['current-context: ""\n', "current-context: ''", 'kind: Config\n', '{"current-context":""}'])(
    'passes by a kubeconfig without a current context: %j',
    async (text) => {
      await using file = await kubeconfig(text);
      expect(readClientConfig({ KUBECONFIG: `${file.path}:/nowhere` }).target).toEqual(LOCAL);
    },
  );

  it.each(['current-context: "a"', '{"current-context":"a"}', 'kind: Config\ncurrent-context: a # b'])(
    'takes a kubeconfig with one: %j',
    async (text) => {
      await using file = await kubeconfig(text);
      expect(readClientConfig({ KUBECONFIG: file.path }).target.type).toBe('cluster');
    },
  );

  it('lets a named gateway win over a kubeconfig that exists, and a flag over the environment', async () => {
    await using file = await kubeconfig('current-context: live');
    const env = { KUBECONFIG: file.path, TRIGATE_GATEWAY: 'http://gw' };
    expect(readClientConfig(env).target.from).toBe('TRIGATE_GATEWAY');
    expect(readClientConfig(env, { context: 'test' })).toMatchObject({
      target: { type: 'cluster', access: { context: 'test' }, from: '--context' },
    });
    expect(readClientConfig(env, { kubeconfig: '/other' }).target.from).toBe('--kubeconfig');
  });

  it('goes to the cluster of its pod', () => {
    const { target } = readClientConfig({ KUBERNETES_SERVICE_HOST: '10.0.0.1' });
    expect(target).toMatchObject({ type: 'cluster', access: { type: 'pod' } });
  });

  it('takes the token of the environment for the gateway of the environment alone', async () => {
    await using file = await kubeconfig('of-the-flag');
    const env = { TRIGATE_GATEWAY: 'http://gw', TRIGATE_TOKEN: 'of-the-gateway' };
    expect(readClientConfig(env).token?.reveal()).toBe('of-the-gateway');
    expect(readClientConfig(env, { context: 'a' }).token).toBeUndefined();
    expect(readClientConfig({ ...env, TRIGATE_TOKEN: '', TRIGATE_TOKEN_FILE: file.path }, { context: 'a' }).token).toBe(
      undefined,
    );
    expect(readClientConfig(env, { context: 'a', tokenFile: file.path }).token?.reveal()).toBe('of-the-flag');
  });

  it.each([
    ['orders', { namespace: undefined, name: 'orders' }],
    ['shop/orders', { namespace: 'shop', name: 'orders' }],
  ])('takes %s for a release', (text, release) => {
    expect(readClientConfig({ TRIGATE_RELEASE: text }).release).toEqual(release);
    expect(readClientConfig({ TRIGATE_RELEASE: 'other' }, { release: text }).release).toEqual(release);
  });

  it.each([
    [{ release: 'a/b/c' }, '--release must be the name of a Helm release, or NAMESPACE/NAME, found "a/b/c".'],
    [{ gateway: 'gw' }, '--gateway must be an http:// or https:// URL, found "gw".'],
    [
      { gateway: 'http://me:hunter2@gw:8080/x' },
      '--gateway must be an http:// or https:// URL without a login, found "http://[redacted]@gw:8080/x".',
    ],
    [
      { gateway: 'http:///me:hun@ter/2@gw' },
      '--gateway must be an http:// or https:// URL without a login, found "http:///[redacted]@gw".',
    ],
    [{ gateway: 'ftp://me:hunter2@gw' }, '--gateway must be an http:// or https:// URL, found "ftp://[redacted]@gw".'],
    [{ gateway: 'http://gw', context: 'a' }, '--gateway and --context name two servers: give one of them.'],
  ])('refuses %j', (flags, sentence) => {
    expect(() => readClientConfig({}, flags)).toThrow(sentence);
  });
});
