import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import type { Access } from '../../../src/resources/access/access.ts';
import { openConnections } from '../../../src/resources/access/connections.ts';
import { inClusterAccess } from '../../../src/resources/access/in-cluster.ts';
import { kubeconfigAccess } from '../../../src/resources/access/kubeconfig.ts';
import { createResources } from '../../../src/resources/client.ts';
import type { Resources } from '../../../src/resources/resources.ts';
import { namespaceType } from '../../../src/standalone/api/core-types.ts';
import { BUILDING_MS, type KubeApi, kubeconfig, startKubeApi } from '../../services/kube-apiserver/start.ts';
import { kubeApiCanStart } from '../../services/shared.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

let api: KubeApi;
let folder: TempDir;

beforeAll(async () => {
  await kubeApiCanStart();
  api = await startKubeApi();
}, BUILDING_MS);
afterAll(async () => {
  await api?.stop();
});
beforeEach(async () => {
  folder = await tempDir('access');
  onTestFinished(() => folder.remove());
});

const write = async (name: string, text: string): Promise<string> => {
  const path = join(folder.path, name);
  await writeFile(path, text);
  return path;
};

async function client(access: Access): Promise<Resources> {
  const connections = await openConnections(access);
  const { dispatcher } = connections;
  const resources = createResources({ url: access.url, dispatcher, headers: () => access.headers() });
  onTestFinished(async () => {
    await resources.close();
    await connections.close();
  });
  return resources;
}

const readsNamespaces = async (resources: Resources | Promise<Resources>): Promise<boolean> =>
  (await (await resources).list(namespaceType)).items.some(({ metadata }) => metadata.name === 'default');

describe('the service account of a pod', () => {
  const pod = () => {
    const { hostname, port } = new URL(api.url);
    return inClusterAccess({ host: hostname, port, folder: folder.path });
  };

  test('takes the token as it is when a request is made: the kubelet renews it', async () => {
    await write('ca.crt', api.ca);
    await write('token', 'stale');
    const resources = client(pod());
    await expect(readsNamespaces(resources)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await write('token', `${api.token}\n`);
    expect(await readsNamespaces(resources)).toBe(true);
  });

  test('without a token is refused with a sentence, and works when one comes', async () => {
    await write('ca.crt', api.ca);
    const resources = client(pod());
    await expect(readsNamespaces(resources)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('The token of the service account cannot be read'),
    });
    await write('token', api.token);
    expect(await readsNamespaces(resources)).toBe(true);
  });

  test('does not speak to a server of another authority', async () => {
    await write('ca.crt', String(rootCertificates[0]));
    await write('token', api.token);
    await expect(readsNamespaces(client(pod()))).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
  });

  test('takes the authority as it is when a connection is made', async () => {
    await write('ca.crt', String(rootCertificates[0]));
    await write('token', api.token);
    const resources = client(pod());
    await expect(readsNamespaces(resources)).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
    await write('ca.crt', api.ca);
    expect(await readsNamespaces(resources)).toBe(true);
  });

  test('whose authority cannot be read is a mistake of the configuration', () => {
    expect(pod).toThrow('The certificate authority of the cluster cannot be read');
  });
});

describe('a kubeconfig', () => {
  test('reaches the API server as its user', async () => {
    expect(await readsNamespaces(client(await kubeconfigAccess([api.kubeconfig])))).toBe(true);
  });

  test('logs in with a program, as cloud providers do', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: api.token },
    };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
      interactiveMode: 'Never',
    };
    const users = { apiVersion: 'v1', kind: 'Config', users: [{ name: 'program', user: { exec } }] };
    const contexts = [{ name: 'by-program', context: { cluster: 'test', user: 'program' } }];
    const files = [api.kubeconfig, await write('more', stringify({ ...users, contexts, clusters: [] }))];
    expect(await readsNamespaces(client(await kubeconfigAccess(files, 'by-program')))).toBe(true);
  });

  test('in several files is one; of one name the first file counts', async () => {
    const files = [api.kubeconfig, await write('second', kubeconfig('https://127.0.0.1:9', api.ca, 'other'))];
    expect(await readsNamespaces(client(await kubeconfigAccess(files)))).toBe(true);
  });

  test('with another context names those that there are', async () => {
    await expect(kubeconfigAccess([api.kubeconfig], 'other')).rejects.toThrow(/has no context "other"; it has: test/);
  });

  test('that is not there, or is none, is a sentence', async () => {
    await expect(kubeconfigAccess([join(folder.path, 'none')])).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    const broken = await write('broken', 'clusters: [');
    await expect(kubeconfigAccess([broken])).rejects.toThrow(/The kubeconfig .*broken cannot be read/);
  });

  test('with a wrong token is refused', async () => {
    const file = await write('wrong', kubeconfig(api.url, api.ca, 'wrong'));
    await expect(readsNamespaces(client(await kubeconfigAccess([file])))).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });

  test('takes the files that it names as they are when a connection is made', async () => {
    const authority = await write('authority.crt', String(rootCertificates[0]));
    const whole = kubeconfig(api.url, api.ca, api.token);
    const data = Buffer.from(api.ca).toString('base64');
    const file = await write(
      'by-file',
      whole.replace(`certificate-authority-data: ${data}`, `certificate-authority: ${authority}`),
    );
    const resources = client(await kubeconfigAccess([file]));
    await expect(readsNamespaces(resources)).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
    await write('authority.crt', api.ca);
    expect(await readsNamespaces(resources)).toBe(true);
  });

  test('goes through the proxy that it names', async () => {
    await using proxy = await startConnectProxy();
    const whole = kubeconfig(api.url, api.ca, api.token);
    const file = await write('by-proxy', whole.replace('cluster:\n', `cluster:\n      proxy-url: ${proxy.url}\n`));
    expect(await readsNamespaces(client(await kubeconfigAccess([file])))).toBe(true);
    expect(proxy.asked).toEqual([new URL(api.url).host]);
  });

  test('with a proxy that is none is a sentence, which does not repeat what may be a password', async () => {
    const whole = kubeconfig(api.url, api.ca, api.token);
    const file = await write('no-proxy', whole.replace('cluster:\n', 'cluster:\n      proxy-url: ftp://me:secret@a\n'));
    const opened = openConnections(await kubeconfigAccess([file]));
    await expect(opened).rejects.toThrow('The proxy-url of the kubeconfig cannot be used');
    await expect(opened).rejects.not.toThrow('secret');
  });
});
