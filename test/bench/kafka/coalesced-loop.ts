import { setImmediate as turn } from 'node:timers/promises';
import kafkajs, { type Batch, type EachBatchPayload } from 'kafkajs';
import { patchIdleTimer } from '../../../triggers/kafka/kafkajs.ts';
import { bareCalls } from '../bare-calls.ts';

/*
 * The least that an event can take with a claim before its call and one commit on its way at a time: reads on while it
 * commits, gathers all partitions in the next commit, calls over bare sockets. No room, no order, no guard against anything.
 */

/** What comes while the machine stands still for a moment is called at once afterwards. */
const MOST_IN_FLIGHT = 8_192;

interface Gathered {
  offset: string;
  readonly messages: Batch['messages'];
}

const [brokers = '', topic = '', url = '', group = ''] = process.argv.slice(2);
patchIdleTimer();
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR });
const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 500 });
const call = bareCalls('http1', url, MOST_IN_FLIGHT, {
  namespace: 'kafkatriggers.kubeless.io',
  topic,
  source: `kafka://bare/${topic}`,
  type: 'dev.trigate.kafka.record',
});

let gathered = new Map<number, Gathered>();
let isCommitting = false;

async function commitAll(commit: EachBatchPayload['commitOffsetsIfNecessary']): Promise<void> {
  isCommitting = true;
  await turn();
  while (gathered.size > 0) {
    const now = gathered;
    gathered = new Map();
    const partitions = [...now].map(([partition, { offset }]) => ({ partition, offset }));
    await commit({ topics: [{ topic, partitions }] });
    for (const { messages } of now.values())
      for (const { offset, value } of messages)
        call({ id: offset.padStart(15, '0'), subject: offset, body: value ?? Buffer.alloc(0) }, () => {});
  }
  isCommitting = false;
}

await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
process.stdin.once('data', () => {
  void consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 64,
    eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary }) => {
      const last = batch.messages.at(-1)?.offset ?? '0';
      resolveOffset(last);
      const waiting = gathered.get(batch.partition) ?? { offset: '0', messages: [] };
      waiting.offset = String(BigInt(last) + 1n);
      waiting.messages.push(...batch.messages);
      gathered.set(batch.partition, waiting);
      if (!isCommitting) void commitAll(commitOffsetsIfNecessary);
    },
  });
});
process.stdin.once('end', () => process.exit(0));
console.log('ready');
