import { isIP } from 'node:net';
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { asError, TrigateError } from '../../domain/errors.ts';
import type { Access } from './access.ts';

/** Connections to an API server. */
export interface Connections {
  readonly dispatcher: Dispatcher;
  /** Whether it was reached at that address. */
  reached(address: string): boolean;
  close(): Promise<void>;
}

/**
 * Each connection is made with the certificates that are there at that moment; through a proxy, with those of the start.
 *
 * @throws TrigateError INVALID_CONFIG for a proxy that is not to be spoken to
 */
export async function openConnections(access: Pick<Access, 'url' | 'proxy' | 'tls'>): Promise<Connections> {
  const host = new URL(access.url).hostname.replace(/^\[|\]$/g, '');
  const addresses = new Set(isIP(host) === 0 ? [] : [host]);
  const dispatcher = access.proxy === undefined ? direct(access, addresses) : await through(access.proxy, access);
  return {
    dispatcher,
    reached: (address) => addresses.has(address),
    close: () => dispatcher.destroy(),
  };
}

function direct({ tls }: Pick<Access, 'tls'>, addresses: Set<string>): Dispatcher {
  const connect: buildConnector.connector = (options, callback) => {
    tls()
      .then((now) => {
        buildConnector({ ...now, allowH2: false })(options, (...[error, socket]) => {
          if (error !== null) return callback(error, null);
          if (socket.remoteAddress !== undefined) addresses.add(socket.remoteAddress);
          callback(null, socket);
        });
      })
      .catch((thrown: unknown) => callback(asError(thrown), null));
  };
  return new Agent({ connect, allowH2: false });
}

async function through(proxy: string, { tls }: Pick<Access, 'tls'>): Promise<Dispatcher> {
  const requestTls = { ...(await tls()) };
  try {
    return new ProxyAgent({ uri: proxy, requestTls, allowH2: false });
  } catch {
    // Neither the URL nor what is said of it: it may carry a password.
    const text = 'The proxy-url of the kubeconfig cannot be used: it must be an http://, https:// or socks5:// URL.';
    throw new TrigateError('INVALID_CONFIG', text);
  }
}
