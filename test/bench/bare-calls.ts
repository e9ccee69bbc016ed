import { connect, type Socket } from 'node:net';
import { type Dispatcher, Pool } from 'undici';

/** What makes the calls of a bare loop: `undici` dispatch, or a bare socket that writes head and body in one buffer. */
export const callers = ['undici', 'http1'] as const;
export type BareCaller = (typeof callers)[number];

export const isCaller = (name: string): name is BareCaller => callers.some((caller) => caller === name);

/** The parts of a request that change from event to event. */
export interface BareRequest {
  readonly id: string;
  readonly subject: string;
  readonly body: Uint8Array;
}

export interface BareHeaders {
  readonly namespace: string;
  readonly topic: string;
  readonly source: string;
  readonly type: string;
}

/** Makes one call. Nobody guards it: any error ends the process. */
export type BareCalls = (request: BareRequest, onAnswer: () => void) => void;

/** @param connections as many as calls are in flight at most */
export function bareCalls(caller: BareCaller, url: string, connections: number, headers: BareHeaders): BareCalls {
  return caller === 'undici' ? undiciCalls(url, connections, headers) : socketCalls(url, connections, headers);
}

class Handler implements Dispatcher.DispatchHandler {
  readonly #onAnswer: () => void;
  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }
  onRequestStart(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    this.#onAnswer();
  }
  onResponseError(_controller: unknown, error: Error): void {
    throw error;
  }
}

function undiciCalls(url: string, connections: number, { namespace, topic, source, type }: BareHeaders): BareCalls {
  const pool = new Pool(new URL(url).origin, { connections, pipelining: 1 });
  return ({ id, subject, body }, onAnswer) => {
    const time = new Date().toISOString();
    const headers = [
      ['content-type', 'application/json'],
      ['user-agent', 'bare'],
      ['event-id', id],
      ['event-type', 'application/json'],
      ['event-time', time],
      ['event-namespace', namespace],
      ['event-topic', topic],
      ['ce-specversion', '1.0'],
      ['ce-id', id],
      ['ce-source', source],
      ['ce-type', type],
      ['ce-time', time],
      ['ce-subject', subject],
    ].flat();
    pool.dispatch({ path: '/', method: 'POST', headers, body }, new Handler(onAnswer));
  };
}

const STATUS_AT = 'HTTP/1.1 '.length;
const incoming = new Uint8Array(65_536);

/** Takes whatever comes for one whole answer. */
function socketCalls(url: string, connections: number, { namespace, topic, source, type }: BareHeaders): BareCalls {
  const { host, hostname, port } = new URL(url);
  const first = `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nuser-agent: bare\r\nevent-type: application/json\r\nevent-namespace: ${namespace}\r\nevent-topic: ${topic}\r\nce-specversion: 1.0\r\nce-source: ${source}\r\nce-type: ${type}\r\n`;
  const free: { readonly socket: Socket; onAnswer: () => void }[] = [];
  let opened = 0;
  const open = () => {
    opened++;
    const entry = {
      socket: connect({
        host: hostname,
        port: Number(port),
        noDelay: true,
        onread: {
          buffer: incoming,
          callback() {
            if (incoming[STATUS_AT] !== 50) throw new Error('an answer that is not 2xx');
            free.push(entry);
            entry.onAnswer();
            return true;
          },
        },
      }),
      onAnswer: () => {},
    };
    return entry;
  };
  return ({ id, subject, body }, onAnswer) => {
    const entry = free.pop() ?? open();
    if (opened > connections) throw new Error('more calls at a time than connections');
    const time = new Date().toISOString();
    const head = `${first}event-id: ${id}\r\nce-id: ${id}\r\nevent-time: ${time}\r\nce-time: ${time}\r\nce-subject: ${subject}\r\ncontent-length: ${body.length}\r\n\r\n`;
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, 0, head.length, 'latin1');
    bytes.set(body, head.length);
    entry.onAnswer = onAnswer;
    entry.socket.write(bytes);
  };
}
