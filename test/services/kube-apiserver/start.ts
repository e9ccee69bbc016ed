import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/port.ts';
import { type Running, startProcess } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { missing } from '../cache.ts';
import { kubeBinaries } from './binaries.ts';

/** What a test that starts one gives its `beforeAll`: with a cold cache it has to be built first. */
export const BUILDING_MS = 900_000;

const READY_MS = 60_000;

/** A kube-apiserver with an etcd of its own, and nothing else of a cluster: no controllers, no nodes. */
export interface KubeApi extends AsyncDisposable {
  readonly url: string;
  /** Of an administrator. */
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** A file for `KUBECONFIG`: the administrator's. */
  readonly kubeconfig: string;
  /** Ends the API server; what is stored stays. */
  down(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port. Resolves when it is ready. */
  up(): Promise<void>;
  restart(): Promise<void>;
  /** Makes etcd forget all versions but the last. A running API server still has some of them in memory. */
  compact(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts both and waits until the API server is ready.
 * @param flags of the API server, beside its own: `{ 'event-ttl': '20s' }`
 */
export async function startKubeApi(flags: Readonly<Record<string, string>> = {}): Promise<KubeApi> {
  const binaries = await kubeBinaries();
  const folder = await tempDir('kube');
  const at = (name: string) => join(folder.path, name);
  const token = randomUUID();
  await writeFile(at('tokens.csv'), `${token},admin,admin,system:masters\n`);
  await writeFile(at('service-accounts.pem'), signingKey());
  const etcdUrl = await localUrl('http');
  const url = await localUrl('https');
  let etcd: Running | undefined;
  let server: Running | undefined;

  const launch = (binary: string, name: string, flags: Readonly<Record<string, string>>): Promise<Running> =>
    startProcess(binary, argumentsOf(flags), { name }).catch((error) => {
      const install = 'KUBEBUILDER_ASSETS must name a folder with a kube-apiserver and an etcd.';
      throw missing({ command: binary, install }, error);
    });
  const startEtcd = async () => {
    const peer = await localUrl('http');
    etcd = await launch(binaries.etcd, 'etcd', {
      'data-dir': at('etcd'),
      'listen-client-urls': etcdUrl,
      'advertise-client-urls': etcdUrl,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
      'unsafe-no-fsync': 'true',
      'log-level': 'error',
    });
  };
  const up = async () => {
    server = await launch(binaries.apiServer, 'kube-apiserver', {
      'etcd-servers': etcdUrl,
      'secure-port': new URL(url).port,
      'bind-address': '127.0.0.1',
      'cert-dir': at('certs'),
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': at('service-accounts.pem'),
      'service-account-signing-key-file': at('service-accounts.pem'),
      'token-auth-file': at('tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-cluster-ip-range': '10.0.0.0/24',
      // It would wait at its end for the watches of its own informers.
      'shutdown-delay-duration': '0s',
      ...flags,
    });
    await ready(server, url, token, at('certs/apiserver.crt'));
  };
  const down = async (signal: NodeJS.Signals = 'SIGKILL') => {
    await server?.stop(signal, 10_000);
  };
  const stop = async () => {
    await down();
    await etcd?.stop('SIGKILL', 0);
    await folder.remove();
  };

  try {
    await startEtcd();
    await up();
    // The certificate that it made for itself, and that of the authority which it made for that.
    const ca = await readFile(at('certs/apiserver.crt'), 'utf8');
    await writeFile(at('kubeconfig'), kubeconfig(url, ca, token));
    const restart = async () => {
      await down();
      await up();
    };
    const compact = () => compactEtcd(etcdUrl);
    const api = { url, token, ca, kubeconfig: at('kubeconfig'), down, up, restart, compact, stop };
    return { ...api, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** By the JSON gateway of etcd's own API. */
async function compactEtcd(etcdUrl: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const answer = await request(`${etcdUrl}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`etcd answered ${path} with ${answer.statusCode}: ${text}`);
    return JSON.parse(text);
  };
  const { header } = await post('range', { key: Buffer.from('/registry').toString('base64'), limit: 1 });
  await post('compaction', { revision: header.revision, physical: true });
}

const localUrl = async (scheme: string): Promise<string> => `${scheme}://127.0.0.1:${await freePort()}`;

const argumentsOf = (flags: Readonly<Record<string, string>>): string[] =>
  Object.entries(flags).map(([name, value]) => `--${name}=${value}`);

const signingKey = (): string =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  }).privateKey;

/** A kubeconfig with one user, who shows a token. */
export function kubeconfig(url: string, ca: string, token: string): string {
  const data = Buffer.from(ca).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': data } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

async function ready(server: Running, url: string, token: string, certificate: string): Promise<void> {
  const probe = async () => {
    if (server.exit()) return 'exited';
    const dispatcher = new Agent({ connect: { ca: await readFile(certificate, 'utf8') }, allowH2: false });
    try {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await request(`${url}/readyz`, { dispatcher, headers });
      await answer.body.dump();
      return answer.statusCode === 200 && 'ready';
    } finally {
      await dispatcher.destroy();
    }
  };
  const state = await eventually('kube-apiserver is ready', probe, { within: READY_MS, every: 100 }).catch((error) => {
    throw server.story(String(error));
  });
  if (state === 'exited') throw server.story('kube-apiserver exited at its start');
}
