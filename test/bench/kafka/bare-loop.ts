import kafkajs from 'kafkajs';
import { patchIdleTimer } from '../../../triggers/kafka/kafkajs.ts';
import { bareCalls, isCaller } from '../bare-calls.ts';

/*
 * What the gateway is measured against: kafkajs `eachBatch`, a commit before each chunk of 512, and 64 calls in flight
 * with 13 headers, by `undici` dispatch or by a bare socket. No lanes, no ledger, no feed, no guard against anything.
 */

const CHUNK = 512;
const IN_FLIGHT = 64 * Number(process.argv[6] ?? 1);

const [brokers = '', topic = '', url = '', group = '', functions = '1', caller = 'undici'] = process.argv.slice(2);
patchIdleTimer();
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR });
const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 500 });
const call = bareCalls(isCaller(caller) ? caller : 'undici', url, IN_FLIGHT, {
  namespace: 'kafkatriggers.kubeless.io',
  topic,
  source: `kafka://bare/${topic}`,
  type: 'dev.trigate.kafka.record',
});

let inFlight = 0;
const waiting: (() => void)[] = [];

function onAnswer(): void {
  inFlight--;
  waiting.pop()?.();
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
          inFlight++;
          const id = message.offset.padStart(15, '0');
          call({ id, subject: message.offset, body: message.value ?? Buffer.alloc(0) }, onAnswer);
        }
        resolveOffset(last);
        await heartbeat();
      }
    },
  });
});
process.stdin.once('end', () => process.exit(0));
console.log('ready');
