import { connect, type Msg } from 'nats';
import { bareCalls, isCaller } from '../bare-calls.ts';

/*
 * What the gateway is measured against: the nats client, and 64 calls in flight with 13 headers, by
 * `undici` dispatch or by a bare socket. With
 * JetStream: pulls by hand of at most as many as may be in flight, and an acknowledgement after each answer. No lanes, no
 * ledger, no feed, no guard against anything.
 */

const IN_FLIGHT = 64;
const PULL = 256;

const [server = '', mode = '', subject = '', url = '', caller = '', consumer = ''] = process.argv.slice(2);
const connection = await connect({ servers: server });
const call = bareCalls(isCaller(caller) ? caller : 'undici', url, IN_FLIGHT, {
  namespace: 'natstriggers.kubeless.io',
  topic: subject,
  source: `nats://${subject}`,
  type: 'dev.trigate.nats.message',
});

let inFlight = 0;
let waiting: Msg[] = [];
let next = 0;

function pump(): void {
  while (inFlight < IN_FLIGHT && next < waiting.length) {
    const message = waiting[next++];
    if (message !== undefined) send(message);
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

function send({ data, reply }: Msg): void {
  inFlight++;
  call({ id: String(next).padStart(15, '0'), subject, body: data }, () => {
    inFlight--;
    if (mode === 'jetstream' && reply !== undefined) connection.publish(reply, '+ACK');
    pump();
  });
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
