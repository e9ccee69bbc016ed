import { connect, type Msg } from 'nats';
import { type Dispatcher, Pool } from 'undici';

/*
 * What the gateway is measured against: the nats client → `undici` dispatch with 64 calls in flight and 13 headers. With
 * JetStream: pulls by hand of at most as many as may be in flight, and an acknowledgement after each answer. No lanes, no
 * ledger, no feed, no guard against anything.
 */

const IN_FLIGHT = 64;
const PULL = 256;

const [server = '', mode = '', subject = '', url = '', consumer = ''] = process.argv.slice(2);
const connection = await connect({ servers: server });
const pool = new Pool(new URL(url).origin, { connections: IN_FLIGHT, pipelining: 1 });

let inFlight = 0;
let waiting: Msg[] = [];
let next = 0;

class Handler implements Dispatcher.DispatchHandler {
  readonly #reply: string | undefined;
  constructor(reply: string | undefined) {
    this.#reply = reply;
  }
  onRequestStart(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    inFlight--;
    if (this.#reply !== undefined) connection.publish(this.#reply, '+ACK');
    pump();
  }
  onResponseError(_controller: unknown, error: Error): void {
    throw error;
  }
}

function pump(): void {
  while (inFlight < IN_FLIGHT && next < waiting.length) {
    const message = waiting[next++];
    if (message !== undefined) call(message);
  }
  if (next < waiting.length) return;
  waiting = [];
  next = 0;
  if (mode === 'jetstream') pull();
}

let asked = 0;

function pull(): void {
  if (asked > 0) return;
  asked = PULL;
  const request = JSON.stringify({ batch: PULL, expires: 2_000_000_000 });
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${consumer}`, request, { reply: inbox });
}

function call({ data, reply }: Msg): void {
  inFlight++;
  const time = new Date().toISOString();
  const id = String(next).padStart(15, '0');
  const headers = [
    ['content-type', 'application/json'],
    ['user-agent', 'bare'],
    ['event-id', id],
    ['event-type', 'application/json'],
    ['event-time', time],
    ['event-namespace', 'natstriggers.kubeless.io'],
    ['event-topic', subject],
    ['ce-specversion', '1.0'],
    ['ce-id', id],
    ['ce-source', `nats://${subject}`],
    ['ce-type', 'dev.trigate.nats.message'],
    ['ce-time', time],
    ['ce-subject', subject],
  ].flat();
  pool.dispatch(
    { path: '/', method: 'POST', headers, body: data },
    new Handler(mode === 'jetstream' ? reply : undefined),
  );
}

function received(message: Msg): void {
  if (mode === 'jetstream') {
    if ((message.headers?.code ?? 0) > 0) {
      asked = 0;
      pull();
      return;
    }
    asked--;
  }
  waiting.push(message);
  pump();
}

const inbox = `_INBOX.bare.${process.pid}`;
connection.subscribe(mode === 'jetstream' ? inbox : subject, {
  ...(mode === 'core' && { queue: 'bare' }),
  callback: (_, message) => received(message),
});
await connection.flush();
process.stdin.once('data', () => {
  if (mode === 'jetstream') pull();
});
process.stdin.once('end', () => process.exit(0));
console.log('ready');
