import { createServer } from 'node:net';

const FIRST = 12_000;
const COUNT = 18_000;

let offset = (process.pid * 61) % COUNT;

/**
 * A free port for a program that must know its port before it starts, or keep it over a restart. Taken from below the
 * range that the system gives to outgoing connections, which could otherwise take it while its owner is down. One
 * process never gets the same port twice, and each begins elsewhere.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = FIRST + offset;
    offset = (offset + 1) % COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error('No free port found on 127.0.0.1');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
