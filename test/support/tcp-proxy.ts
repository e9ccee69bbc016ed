import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that a test can disturb. */
export interface TcpProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Resets what is open, and refuses new connections until `heal`. */
  cut(): void;
  /** Swallows what comes, in both directions, and leaves connections open: half-open, as a lost host leaves them. */
  swallow(): void;
  heal(): void;
  close(): Promise<void>;
}

/** @param target `host:port`, with or without a scheme before it */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`);
  const open = new Set<Socket>();
  let state: 'open' | 'cut' | 'swallowing' = 'open';

  const server = createServer((near) => {
    if (state === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => {
        if (state !== 'swallowing') to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const reset = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    reset();
    await closed;
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      state = 'cut';
      reset();
    },
    swallow() {
      state = 'swallowing';
    },
    heal() {
      // What was swallowed is lost: those connections can only break.
      if (state === 'swallowing') reset();
      state = 'open';
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
