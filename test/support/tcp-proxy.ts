import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that a test can disturb. */
export interface TcpProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Resets what is open, and refuses new connections until `heal`. */
  cut(): void;
  /**
   * Swallows what comes, in both directions or only towards the server (`up`) or the client (`down`), and leaves connections
   * open: half-open, as a lost host leaves them.
   */
  swallow(direction?: Direction): void;
  /** Reads nothing more: what is sent piles up where it is sent. */
  hold(): void;
  heal(): void;
  /** Asked for each piece that passes, as TCP cuts them, until it is called without a rule. */
  watch(rule?: (piece: Buffer, direction: Direction) => 'pass' | 'swallow'): void;
  close(): Promise<void>;
}

export type Direction = 'up' | 'down';

/** @param target `host:port`, with or without a scheme before it */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`);
  const open = new Set<Socket>();
  let swallowed: Direction | undefined;
  let state: 'open' | 'cut' | 'swallowing' | 'holding' = 'open';
  let rule: Parameters<TcpProxy['watch']>[0];

  const server = createServer((near) => {
    if (state === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [from, to, direction] of [
      [near, far, 'up'],
      [far, near, 'down'],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => {
        const isLost = state === 'swallowing' && (swallowed ?? direction) === direction;
        if (!isLost && rule?.(chunk, direction) !== 'swallow') to.write(chunk);
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
    swallow(direction) {
      swallowed = direction;
      state = 'swallowing';
    },
    hold() {
      state = 'holding';
      for (const socket of open) socket.pause();
    },
    heal() {
      for (const socket of open) socket.resume();
      // What was swallowed is lost: those connections can only break.
      if (state === 'swallowing') reset();
      state = 'open';
    },
    watch(next) {
      rule = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
