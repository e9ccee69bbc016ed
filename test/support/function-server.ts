import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a function does with a request when its body has come; `reset` does not wait for it. */
export type Behaviour =
  | { readonly type: 'answer'; readonly status: number; readonly body?: string; readonly afterMs?: number }
  | { readonly type: 'hang' }
  | { readonly type: 'reset' };

/** A request that reached a function, recorded when its headers came: that is what "at most once" counts. */
export interface Recorded {
  readonly function: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The header `event-id`; empty when there was none. */
  readonly eventId: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Undefined until it has come in full; as text, and as it came. */
  readonly body: string | undefined;
  readonly bytes: Buffer | undefined;
}

export interface Observer {
  arrived(request: Recorded): void;
  /** Its body has come in full, or it has broken off. */
  ended(request: Recorded): void;
}

export interface FunctionServer {
  readonly name: string;
  readonly url: string;
  behave(behaviour: Behaviour | ((request: Recorded) => Behaviour)): void;
  /** Resets what is open and refuses connections. Idempotent. */
  down(): Promise<void>;
  /** Listens on the same port again. */
  up(): Promise<void>;
}

type Writable = { -readonly [Field in keyof Recorded]: Recorded[Field] };

/** What stands as text for the body of a request. */
export type ReadBody = (bytes: Buffer) => string;

/** One function on a port of its own. */
export async function hostFunction(
  name: string,
  observer: Observer,
  host = '127.0.0.1',
  read: ReadBody = String,
): Promise<FunctionServer> {
  const timers = new Set<NodeJS.Timeout>();
  let behave = (_: Recorded): Behaviour => ({ type: 'answer', status: 200 });

  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const record = recordOf(name, request);
    observer.arrived(record);
    const behaviour = behave(record);
    if (behaviour.type === 'reset') {
      request.socket.resetAndDestroy();
    } else {
      record.bytes = await bodyOf(request);
      record.body = record.bytes && read(record.bytes);
      if (behaviour.type === 'answer' && record.body !== undefined) answer(behaviour, response);
    }
    observer.ended(record);
  });

  function answer({ status, body, afterMs }: Extract<Behaviour, { type: 'answer' }>, response: ServerResponse): void {
    const send = () => response.writeHead(status).end(body);
    if (afterMs === undefined) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      send();
    }, afterMs);
    timers.add(timer);
  }

  const listen = async (port: number): Promise<number> => {
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);

  return {
    name,
    url: `http://${host}:${port}`,
    behave(behaviour) {
      behave = typeof behaviour === 'function' ? behaviour : () => behaviour;
    },
    async down() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async up() {
      if (!server.listening) await listen(port);
    },
  };
}

function recordOf(name: string, request: IncomingMessage): Writable {
  const id = request.headers['event-id'];
  return {
    function: name,
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    eventId: typeof id === 'string' ? id : '',
    time: Date.now(),
    body: undefined,
    bytes: undefined,
  };
}

/** Undefined when the client went away before the end. */
function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}
