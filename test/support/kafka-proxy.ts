import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Kafka's numbers for what goes over the wire (https://kafka.apache.org/protocol#protocol_api_keys). */
export const apiKeys = {
  fetch: 1,
  offsetCommit: 8,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  apiVersions: 18,
} as const;

/** A request to a Kafka broker, or the answer to one. */
export interface Frame {
  readonly direction: 'request' | 'answer';
  readonly apiKey: number;
  /** As it goes over the wire, without its length. */
  readonly bytes: Buffer;
}

export const isCommit = ({ apiKey }: Frame): boolean => apiKey === apiKeys.offsetCommit;

/** A commit that claims: its metadata have unsettled offsets. */
export const isClaim = (frame: Frame): boolean =>
  isCommit(frame) && frame.direction === 'request' && /"open":"[^"]/.test(frame.bytes.toString('latin1'));

/** What becomes of a frame. A promise: it waits, and so does what comes behind it in the same direction. */
export type Verdict =
  | 'pass'
  /** It is not passed on, now or later. */
  | 'swallow'
  /** Both ends of its connection are reset instead. */
  | 'cut'
  /** It is taken out of the stream; `release` sends it, as long as the broker holds the connection. */
  | 'hold';
export type Rule = (frame: Frame) => Verdict | Promise<Verdict>;

/** A TCP proxy before one Kafka broker that sees requests and answers, and can do to them what a network does. */
export interface KafkaProxy extends AsyncDisposable {
  /** `127.0.0.1:port`, from the start on and for ever. */
  readonly address: string;
  /** Where it leads to; connections that exist stay as they are. */
  lead(to: string): void;
  /** Whether new connections are closed as soon as they are made; those that exist stay. */
  refuse(isRefusing: boolean): void;
  /** Asked for every frame from now on; at first all pass. */
  rule(rule: Rule): void;
  /** Sends what is held. */
  release(): void;
  /** Resets all connections; `clients`: only those that come here, and what is held still reaches the broker. */
  cut(which?: 'clients'): void;
  /** Until the next call with false, nothing passes in either direction and no connection is closed: a cable is pulled. */
  freeze(frozen: boolean): void;
  /** Idempotent. */
  close(): Promise<void>;
}

export async function startKafkaProxy(): Promise<KafkaProxy> {
  let target = '';
  let isRefusing = false;
  let rule: Rule = () => 'pass';
  let thaw = Promise.withResolvers<void>();
  thaw.resolve();
  const links = new Set<Link>();

  const server = createServer({ noDelay: true }, (client) => {
    if (isRefusing) {
      client.on('error', () => {});
      client.end();
      return;
    }
    const [host = '', port = ''] = target.split(':');
    const link = new Link(client, connect({ host, port: Number(port), noDelay: true }), async (frame) => {
      await thaw.promise;
      return rule(frame);
    });
    links.add(link);
    void link.ended.then(() => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const cut = (which?: 'clients') => {
    for (const link of links) link.cut(which);
  };
  let closing: Promise<unknown> | undefined;
  const close = async () => {
    thaw.resolve();
    cut();
    closing ??= once(server.close(), 'close');
    await closing;
  };
  return {
    address: `127.0.0.1:${port}`,
    lead(to) {
      target = to;
    },
    refuse(next) {
      isRefusing = next;
    },
    rule(next) {
      rule = next;
    },
    release() {
      for (const link of links) link.release();
    },
    cut,
    freeze(frozen) {
      thaw.resolve();
      thaw = Promise.withResolvers<void>();
      if (!frozen) thaw.resolve();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One connection of a client, and ours to the broker. */
class Link {
  readonly ended: Promise<unknown>;
  readonly #client: Socket;
  readonly #broker: Socket;
  /** Api key of each request that is not answered. */
  readonly #asked = new Map<number, number>();
  #held: (() => void)[] = [];
  #isClientGone = false;

  constructor(client: Socket, broker: Socket, rule: (frame: Frame) => Promise<Verdict>) {
    this.#client = client;
    this.#broker = broker;
    this.ended = Promise.all([client, broker].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    // Resets are what it is for.
    client.on('error', () => {});
    broker.on('error', () => {});
    client.on('close', () => {
      this.#isClientGone = true;
      // The broker must get what is held, though nobody waits for the answer.
      if (this.#held.length === 0) broker.destroy();
    });
    broker.on('close', () => client.destroy());
    this.#follow(client, broker, (bytes) => rule(this.#request(bytes)));
    this.#follow(broker, client, (bytes) => rule(this.#answer(bytes)));
  }

  cut(which?: 'clients'): void {
    this.#client.resetAndDestroy();
    if (which === 'clients') return;
    this.#held = [];
    this.#broker.resetAndDestroy();
  }

  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
    if (this.#isClientGone) this.#broker.end();
  }

  #request(bytes: Buffer): Frame {
    const apiKey = bytes.readInt16BE(0);
    this.#asked.set(bytes.readInt32BE(4), apiKey);
    return { direction: 'request', apiKey, bytes };
  }

  #answer(bytes: Buffer): Frame {
    const id = bytes.readInt32BE(0);
    const apiKey = this.#asked.get(id);
    if (apiKey === undefined) throw new Error(`the broker answered ${id}, which nobody asked`);
    this.#asked.delete(id);
    return { direction: 'answer', apiKey, bytes };
  }

  /** Frames keep their order, whatever their verdicts wait for. */
  #follow(from: Socket, to: Socket, judge: (bytes: Buffer) => Promise<Verdict>): void {
    let rest: Buffer = Buffer.alloc(0);
    let before = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const frame = rest.subarray(0, 4 + rest.readInt32BE(0));
        rest = rest.subarray(frame.length);
        const verdict = judge(frame.subarray(4));
        before = before.then(async () => this.#carryOut(await verdict, frame, to));
      }
    });
  }

  #carryOut(verdict: Verdict, frame: Buffer, to: Socket): void {
    switch (verdict) {
      case 'pass':
        if (!to.destroyed) to.write(frame);
        return;
      case 'hold':
        this.#held.push(() => !to.destroyed && to.write(frame));
        return;
      case 'cut':
        this.cut();
        return;
      case 'swallow':
        return;
      default:
        verdict satisfies never;
    }
  }
}
