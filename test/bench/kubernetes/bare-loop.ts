import { Agent, request } from 'undici';
import { bareCalls, isCaller } from '../bare-calls.ts';

/*
 * What the controller is measured against: a watch from a version on, line by line, each object parsed, stripped of
 * managedFields and sent, with 64 calls in flight and 13 headers. No claims, no lanes, no ledger, no feed.
 */

const IN_FLIGHT = 64;

const [server = '', ca = '', token = '', version = '', url = '', caller = ''] = process.argv.slice(2);
const call = bareCalls(isCaller(caller) ? caller : 'undici', url, IN_FLIGHT, {
  namespace: 'kubernetestriggers.kubeless.io',
  topic: '',
  source: '/api/v1/configmaps',
  type: 'dev.trigate.kubernetes.modified',
});

interface Sent {
  readonly id: string;
  readonly subject: string;
  readonly body: Uint8Array;
}

let inFlight = 0;
let waiting: Sent[] = [];
let next = 0;

function pump(): void {
  while (inFlight < IN_FLIGHT && next < waiting.length) {
    const sent = waiting[next++];
    if (sent === undefined) continue;
    inFlight++;
    call(sent, () => {
      inFlight--;
      pump();
    });
  }
  if (next < waiting.length) return;
  waiting = [];
  next = 0;
}

function received(line: string): void {
  const { object } = JSON.parse(line);
  if (object.metadata?.name === undefined) return;
  delete object.metadata.managedFields;
  const { uid, resourceVersion, name } = object.metadata;
  waiting.push({ id: `${uid}${resourceVersion}`.slice(-15), subject: name, body: Buffer.from(JSON.stringify(object)) });
  pump();
}

process.stdin.once('end', () => process.exit(0));
process.stdin.once('data', async () => {
  const path = `/api/v1/namespaces/bench/configmaps?watch=true&labelSelector=bench%3Dyes&resourceVersion=${version}`;
  const dispatcher = new Agent({ connect: { ca }, allowH2: false });
  const headers = { authorization: `Bearer ${token}` };
  const { body } = await request(`${server}${path}`, { dispatcher, headers });
  let rest = '';
  body.setEncoding('utf8');
  for await (const chunk of body) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) received(line);
  }
});
console.log('ready');
