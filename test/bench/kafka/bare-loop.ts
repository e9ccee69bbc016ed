import kafkajs from 'kafkajs';
import { type Dispatcher, Pool } from 'undici';
import { patchIdleTimer } from '../../../triggers/kafka/kafkajs.ts';

/*
 * What the gateway is measured against: kafkajs `eachBatch`, a commit before each chunk of 512, `undici` dispatch with 64
 * calls in flight and 13 headers. No lanes, no ledger, no feed, no guard against anything.
 */

const CHUNK = 512;
const IN_FLIGHT = 64 * Number(process.argv[6] ?? 1);

const [brokers = '', topic = '', url = '', group = '', functions = '1'] = process.argv.slice(2);
patchIdleTimer();
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR });
const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 500 });
const pool = new Pool(new URL(url).origin, { connections: IN_FLIGHT, pipelining: 1 });

let inFlight = 0;
const waiting: (() => void)[] = [];

class Handler implements Dispatcher.DispatchHandler {
  onRequestStart(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    inFlight--;
    waiting.pop()?.();
  }
  onResponseError(_controller: unknown, error: Error): void {
    throw error;
  }
}

function call(body: Buffer, offset: string): void {
  inFlight++;
  const time = new Date().toISOString();
  const headers = [
    ['content-type', 'application/json'],
    ['user-agent', 'bare'],
    ['event-id', offset.padStart(15, '0')],
    ['event-type', 'application/json'],
    ['event-time', time],
    ['event-namespace', 'kafkatriggers.kubeless.io'],
    ['event-topic', topic],
    ['ce-specversion', '1.0'],
    ['ce-id', offset.padStart(15, '0')],
    ['ce-source', `kafka://bare/${topic}`],
    ['ce-type', 'dev.trigate.kafka.record'],
    ['ce-time', time],
    ['ce-subject', offset],
  ].flat();
  pool.dispatch({ path: '/', method: 'POST', headers, body }, new Handler());
}

await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
process.stdin.once('data', () => {
  void consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 64,
    eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat }) => {
      for (let start = 0; start < batch.messages.length; start += CHUNK) {
        const chunk = batch.messages.slice(start, start + CHUNK);
        const last = chunk.at(-1)?.offset ?? '0';
        const offset = String(BigInt(last) + 1n);
        await commitOffsetsIfNecessary({
          topics: [{ topic: batch.topic, partitions: [{ partition: batch.partition, offset }] }],
        });
        for (const message of chunk.flatMap((one) => Array.from({ length: Number(functions) }, () => one))) {
          while (inFlight >= IN_FLIGHT) {
            await new Promise<void>((resolve) => {
              waiting.push(resolve);
            });
          }
          call(message.value ?? Buffer.alloc(0), message.offset);
        }
        resolveOffset(last);
        await heartbeat();
      }
    },
  });
});
process.stdin.once('end', () => process.exit(0));
console.log('ready');
