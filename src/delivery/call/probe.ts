import { connect } from 'node:net';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Whether a connection can be made now. Sends no byte of HTTP.
 * @param forbids addresses that are never called
 */
export function canConnect(origin: URL, forbids: (address: string) => boolean): Promise<boolean> {
  const port = origin.port === '' ? (origin.protocol === 'https:' ? 443 : 80) : Number(origin.port);
  return new Promise((resolve) => {
    const socket = connect({ host: origin.hostname.replace(/^\[|\]$/g, ''), port, timeout: CONNECT_TIMEOUT_MS });
    const finish = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once('connect', () => finish(!forbids(socket.remoteAddress ?? '')));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });
}
