import type { RequestOptions } from 'node:https';
import type { Cluster, KubeConfig } from '@kubernetes/client-node';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { Access, Headers, Tls } from './access.ts';

/**
 * As a context of kubeconfig files says, with all the ways to log in that kubectl has (exec plug-ins, OIDC, files). What
 * reads them costs half a second and 80 MB to load, so it is loaded here and nowhere else.
 *
 * @param files merged as kubectl does: the first that says something wins
 * @param context default: the current one of the files
 * @throws TrigateError INVALID_CONFIG
 */
export async function kubeconfigAccess(files: readonly string[], context?: string): Promise<Access> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: '' });
  const where = files.join(', ');
  try {
    for (const file of files) {
      const next = new client.KubeConfig();
      next.loadFromFile(file);
      merge(config, next);
    }
    if (context !== undefined) config.setCurrentContext(context);
  } catch (thrown) {
    throw new TrigateError('INVALID_CONFIG', `The kubeconfig ${where} cannot be read: ${firstLine(asError(thrown))}.`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new TrigateError('INVALID_CONFIG', noContext(where, context, config.getContexts()));

  // The client refuses http:// altogether. Who has nothing to hide may speak it, as with kubectl.
  const isOpen = cluster.server.startsWith('http:') && !cluster.skipTLSVerify;
  if (isOpen) config.clusters = config.clusters.map((each) => ({ ...each, skipTLSVerify: true }));

  const login = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (thrown) {
      const text = `Cannot log in at ${cluster.server} as ${where} says: ${asError(thrown).message}.`;
      throw new TrigateError('UNAUTHORIZED', text);
    }
    if (isOpen && authorization(options).authorization !== undefined) {
      throw new TrigateError('INVALID_CONFIG', unencrypted(where, cluster));
    }
    return options;
  };
  // Says now what is wrong.
  await login();
  return {
    url: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || undefined,
    proxy: cluster.proxyUrl || undefined,
    tls: async () => certificates(await login()),
    headers: async () => authorization(await login()),
  };
}

function certificates({ ca, cert, key, passphrase, servername, rejectUnauthorized }: RequestOptions): Tls {
  const all = Object.entries({ ca, cert, key, passphrase, servername, rejectUnauthorized });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined && value !== null));
}

/** What the files before say stays. The client's own `mergeConfig` takes a name that comes twice for an error. */
function merge(config: KubeConfig, next: KubeConfig): void {
  const unknownTo = (known: readonly Named[]) => (one: Named) => !known.some(({ name }) => name === one.name);
  config.clusters = [...config.clusters, ...next.clusters.filter(unknownTo(config.clusters))];
  config.users = [...config.users, ...next.users.filter(unknownTo(config.users))];
  config.contexts = [...config.contexts, ...next.contexts.filter(unknownTo(config.contexts))];
  config.currentContext ||= next.currentContext;
}

interface Named {
  readonly name: string;
}

function authorization({ headers, auth }: RequestOptions): Headers {
  if (typeof auth === 'string') return { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
  const [, given] = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  return typeof given === 'string' ? { authorization: given } : {};
}

/** What a parser says goes on with the lines around. */
const firstLine = ({ message }: Error): string =>
  message
    .split('\n', 1)
    .join()
    .replace(/[.:]+$/, '');

const unencrypted = (where: string, { name, server }: Pick<Cluster, 'name' | 'server'>): string =>
  `The server of cluster ${JSON.stringify(name)} in ${where} is ${server}, where anybody on the way could read the login: ` +
  'give an https:// server, leave out the credentials of the user, or set insecure-skip-tls-verify: true of the cluster.';

function noContext(where: string, context: string | undefined, contexts: readonly { name: string }[]): string {
  const names = contexts.map(({ name }) => name).join(', ') || 'none';
  const wanted = context === undefined ? 'has no current context with a cluster' : `has no context "${context}"`;
  return `The kubeconfig ${where} ${wanted}; it has: ${names}.`;
}
